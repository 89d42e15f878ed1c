import EventSourcing
import Kafka

/// Members of an event's metadata that become headers, by an explicit list.
///
/// Text becomes the header's value as it is, other values as JSON text; `null` and what is absent make no header. Only
/// the object's own members are looked at.
package struct MetadataHeaders: Sendable, Hashable {
    /// Longer values are left out: headers have no business being large, and a broker refuses what does not fit.
    static let maximumBytes = 8_192

    package let members: [String]
    private let names: [String: HeaderName]

    package init(_ members: [String] = [], prefix: String = "") {
        self.members = members
        names = Dictionary(members.map { ($0, HeaderName(prefix + $0)) }) { first, _ in first }
    }

    var isEmpty: Bool { members.isEmpty }

    /// The most that these headers can take in a record.
    func upperBound(_ event: EventView) -> Int {
        isEmpty ? 0 : event.metadata.byteCount + members.reduce(0) { $0 + $1.utf8.count + 16 }
    }

    func fill(_ event: EventView, _ record: inout RecordWriter) {
        guard !isEmpty, event.metadata.byteCount > 0 else { return }
        for (name, value) in found(in: event.metadata) { record.header(name, value) }
    }

    /// The values in the metadata's own order, each name once.
    func found(in metadata: RawSpan) -> [(HeaderName, String)] {
        var found: [(HeaderName, String)] = []
        var seen: Set<String> = []
        _ = JSONText.forEachMember(of: metadata) { name, range in
            guard let header = names[name], range.count <= Self.maximumBytes, seen.insert(name).inserted else { return }
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
        return found
    }
}
