package import EventSourcing
import Kafka

/// Headers that a consumer's records have beside the standard ones: with a value of their own, or with what is at a place in the
/// event. In CloudEvents they are extension attributes.
///
/// A value that no header can have (too large, not JSON, half of a surrogate pair) is left out, and its header is named in
/// `metadata_left_out`.
package struct AddedHeaders: Sendable, Hashable {
    package enum Source: Sendable, Hashable {
        case value(String)
        case place(EventPlace)
    }

    /// A header by the name that the configuration gives it.
    package struct Header: Sendable, Hashable {
        package let name: String
        package let source: Source

        package init(_ name: String, _ source: Source) {
            self.name = name
            self.source = source
        }
    }

    package let headers: [Header]
    private let names: [HeaderName]
    /// `ce_` and the attribute's name.
    private let attributes: [HeaderName]

    package init(_ headers: [Header] = [], prefix: String = "") {
        self.headers = headers
        names = headers.map { HeaderName(prefix + $0.name) }
        attributes = headers.map { HeaderName("ce_" + (AttributeText.name($0.name) ?? "")) }
    }

    var isEmpty: Bool { headers.isEmpty }
    var count: Int { headers.count }

    /// Whether values come from a document.
    package func uses(_ document: EventPlace.Document) -> Bool {
        headers.contains { if case .place(let place) = $0.source { place.document == document } else { false } }
    }

    /// The most that these headers take beside what comes from the event, with each name once more among those left out.
    var fixedLength: Int {
        headers.indices.reduce(0) { sum, index in
            var length = names[index].byteCount + attributes[index].byteCount + headers[index].name.utf8.count + 24
            if case .value(let text) = headers[index].source { length += text.utf8.count }
            return sum + length
        }
    }

    /// The headers of an event; those that are too large or not allowed are left out, and named.
    func add(_ event: EventView, asAttributes: Bool, to found: inout HeaderValues) {
        for (index, header) in headers.enumerated() {
            let name = asAttributes ? attributes[index] : names[index]
            switch header.source {
            case .value(let text): found.add(name, text)
            case .place(let place):
                switch place.value(in: event) {
                case .success(let range):
                    let document = place.document == .metadata ? event.metadata : event.payload
                    found.add(name, range, of: document, as: header.name, isAttribute: asAttributes)
                case .failure(.notJSON): found.leaveOut(header.name)
                case .failure: break
                }
            }
        }
    }
}

/// Headers that were found in an event, within bounds.
struct HeaderValues {
    private(set) var all: [(name: HeaderName, text: String)] = []
    private(set) var leftOut: [String] = []
    private var total = 0

    mutating func add(_ name: HeaderName, _ text: String) { all.append((name, text)) }

    mutating func leaveOut(_ name: String) { leftOut.append(name) }

    /// Adds a value of JSON: the text of a string, the JSON text of others; nothing for `null`.
    ///
    /// - Parameter source: what it is called where it is left out.
    mutating func add(
        _ name: HeaderName, _ range: Range<Int>, of document: RawSpan, as source: String, isAttribute: Bool
    ) {
        guard range.count <= MetadataHeaders.maximumBytes, total + range.count <= MetadataHeaders.maximumTotalBytes
        else {
            return leftOut.append(source)
        }
        let text: String
        switch JSONScalar.text(of: range, in: document) {
        case .success(let bytes): text = String(decoding: bytes, as: UTF8.self)
        case .failure(.null): return
        // As JSON.
        case .failure(.object), .failure(.array):
            text = document.withUnsafeBytes { String(decoding: $0[range], as: UTF8.self) }
        case .failure: return leftOut.append(source)
        }
        // An optional attribute is never empty.
        if isAttribute, text.isEmpty { return }
        guard !isAttribute || AttributeText.isLegal(text) else { return leftOut.append(source) }
        total += range.count
        all.append((name, text))
    }
}
