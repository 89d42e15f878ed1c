import EventSourcing
import Kafka

/// Which headers of W3C Trace Context and Baggage records have, so that one trace goes through the outbox. They are called the same in
/// each format, without a prefix, as propagators look for them.
///
/// Sources: W3C Trace Context; W3C Baggage; CloudEvents, "Distributed Tracing extension".
package struct TraceHeaders: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let parent = TraceHeaders(rawValue: 1)
    package static let state = TraceHeaders(rawValue: 2)
    package static let baggage = TraceHeaders(rawValue: 4)

    /// Those that the configuration may name.
    package static let named: [(name: String, header: TraceHeaders)] = [
        ("traceparent", .parent), ("tracestate", .state), ("baggage", .baggage),
    ]

    static let parentName = HeaderName("traceparent")
    static let stateName = HeaderName("tracestate")
    static let baggageName = HeaderName("baggage")
    static let stateAttribute = HeaderName("ce_tracestate")

    /// The longest values, by the bounds that the recommendations ask senders to keep, in bytes.
    static let longestState = 512
    static let longestBaggage = 8_192

    /// Whether a header of this name could be taken for one of these.
    package static func isName(_ name: String) -> Bool { named.contains { $0.name == name.lowercased() } }

    /// More than these headers take in a record, twice where they are attributes too.
    var longest: Int {
        var length = contains(.parent) ? 2 * 100 : 0
        if contains(.state) { length += 2 * (Self.longestState + 40) }
        if contains(.baggage) { length += Self.longestBaggage + 40 }
        return length
    }

    var count: Int { rawValue.nonzeroBitCount }
}

/// The trace that an event belongs to, as it goes on with its record.
struct EventTrace {
    /// A whole `traceparent`.
    private(set) var parent: InlineArray<55, UInt8>?
    private(set) var state: [UInt8]?
    private(set) var baggage: [UInt8]?

    private static let searches = TraceHeaders.named.map { ($0.header, ByteSearch($0.name)) }

    /// Looks in the metadata first, then at the event's trace id.
    init(_ event: EventView, _ wanted: TraceHeaders) {
        let metadata = event.metadata
        if metadata.byteCount > 0 { take(metadata, wanted) }
        guard wanted.contains(.parent), parent == nil else { return }
        let id = event.traceID
        parent = TraceParent.read(id) ?? TraceParent.made(traceID: id, eventID: event.eventID)
        // It says more of a parent, and means nothing without.
        if parent == nil { state = nil }
    }

    private mutating func take(_ metadata: RawSpan, _ wanted: TraceHeaders) {
        // `jsonb` writes these names as they are, so that most metadata need no parsing.
        var open = wanted
        for (header, search) in Self.searches where wanted.contains(header) && !search.finds(metadata) {
            open.remove(header)
        }
        if open.isEmpty { return }
        var isRefused = false
        _ = JSONText.forEachMember(of: metadata) { name, range in
            guard let header = TraceHeaders.named.first(where: { $0.name == name })?.header, open.contains(header)
            else {
                return
            }
            // The last one of a name, as in `jsonb`.
            let text = Self.text(range, of: metadata)
            switch header {
            case .parent:
                guard let read = text.flatMap({ TraceParent.read($0.span.bytes) }) else {
                    isRefused = true
                    return
                }
                parent = read
            case .state: state = text.flatMap { Self.isSafe($0, atMost: TraceHeaders.longestState) ? $0 : nil }
            default: baggage = text.flatMap { Self.isSafe($0, atMost: TraceHeaders.longestBaggage) ? $0 : nil }
            }
        }
        // A state belongs to the parent beside it.
        if isRefused, parent == nil { state = nil }
    }

    private static func text(_ range: Range<Int>, of metadata: RawSpan) -> [UInt8]? {
        let isString = metadata.withUnsafeBytes { $0[range.lowerBound] == UInt8(ascii: "\"") }
        guard isString, range.count <= 6 * TraceHeaders.longestBaggage else { return nil }
        return try? JSONScalar.text(of: range, in: metadata).get()
    }

    /// Printable ASCII, which is all that such headers may hold.
    private static func isSafe(_ text: [UInt8], atMost limit: Int) -> Bool {
        !text.isEmpty && text.count <= limit && text.allSatisfy { (0x20...0x7e).contains($0) }
    }

    func fill(_ record: inout some RecordParts & ~Copyable) {
        if let parent { record.header(TraceHeaders.parentName, parent.span.bytes) }
        if let state { record.header(TraceHeaders.stateName, state.span.bytes) }
        if let baggage { record.header(TraceHeaders.baggageName, baggage.span.bytes) }
    }
}
