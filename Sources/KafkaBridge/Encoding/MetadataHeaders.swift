import EventSourcing
import Kafka

/// Members of an event's metadata that become headers, by an explicit list.
///
/// Text becomes the header's value as it is, other values as JSON text; `null` and what is absent make no header. Only
/// the object's own members are looked at.
///
/// What an event brings is bounded: a value of more than 8 KiB is left out, and so are values, in the order of the metadata,
/// that would take all of them together beyond 32 KiB. The header `metadata_left_out` then names the members.
package struct MetadataHeaders: Sendable, Hashable {
    /// The longest value. Headers have no business being large: readers keep them in memory, many proxies bound them.
    static let maximumBytes = 8_192
    /// The most that all values may take together.
    static let maximumTotalBytes = 32_768
    /// The most members that may be asked for.
    package static let maximumCount = 64

    package let members: [String]
    private let names: [String: HeaderName]
    private let leftOut: HeaderName

    package init(_ members: [String] = [], prefix: String = "") {
        self.members = members
        leftOut = HeaderName(prefix + "metadata_left_out")
        names = Dictionary(members.map { ($0, HeaderName(prefix + $0)) }) { first, _ in first }
    }

    var isEmpty: Bool { members.isEmpty }

    /// The most that these headers can take in a record beside their values.
    var fixedLength: Int {
        if isEmpty { return 0 }
        // Each name once as a header and perhaps once among those left out.
        return names.values.reduce(leftOut.byteCount + 16) { $0 + 2 * $1.byteCount + 16 }
    }

    func fill(_ event: EventView, _ record: inout some RecordParts & ~Copyable) {
        guard !isEmpty, event.metadata.byteCount > 0 else { return }
        for (name, value) in found(in: event.metadata) { record.header(name, value) }
    }

    /// The values in the metadata's own order, each name once.
    func found(in metadata: RawSpan) -> [(HeaderName, String)] {
        var found: [(HeaderName, String)] = []
        var seen: Set<String> = []
        var tooLarge: [String] = []
        var total = 0
        _ = JSONText.forEachMember(of: metadata) { name, range in
            guard let header = names[name], seen.insert(name).inserted else { return }
            guard range.count <= Self.maximumBytes, total + range.count <= Self.maximumTotalBytes else {
                tooLarge.append(name)
                return
            }
            total += range.count
            let text = metadata.withUnsafeBytes { bytes -> String? in
                let value = UnsafeRawBufferPointer(rebasing: bytes[range])
                if value.first == UInt8(ascii: "\"") {
                    return JSONText.unescaped(UnsafeRawBufferPointer(rebasing: value[1..<(value.count - 1)]))
                }
                let text = String(decoding: value, as: UTF8.self)
                return text == "null" ? nil : text
            }
            if let text { found.append((header, text)) }
        }
        if !tooLarge.isEmpty { found.append((leftOut, tooLarge.joined(separator: ","))) }
        return found
    }
}
