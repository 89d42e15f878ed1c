import EventSourcing
import Kafka

/// Members of an event's metadata that become headers, all or by an explicit list; in CloudEvents they are extension attributes.
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
    /// The most members that may be asked for, and that are taken where all are.
    package static let maximumCount = 64
    /// The longest name of a header.
    package static let maximumNameBytes = 128

    package let members: [String]
    /// Whether all members become headers, whatever they are called.
    package let takesAll: Bool
    private let prefix: String
    private let names: [String: HeaderName]
    private let attributes: [String: HeaderName]
    /// Names in lower case that no member may take where all are taken.
    private let taken: Set<String>
    private let leftOut: HeaderName

    private static let leftOutAttribute = HeaderName("ce_metadataleftout")

    package init(_ members: [String] = [], prefix: String = "") {
        self.init(members: members, takesAll: false, prefix: prefix, taken: [])
    }

    /// All members.
    ///
    /// - Parameter taken: the names of other headers, without the prefix.
    package static func all(prefix: String = "", taken: [String] = []) -> MetadataHeaders {
        MetadataHeaders(
            members: [], takesAll: true, prefix: prefix,
            taken: Set(taken.map { $0.lowercased() } + taken.compactMap { AttributeText.name($0) }))
    }

    private init(members: [String], takesAll: Bool, prefix: String, taken: Set<String>) {
        self.members = members
        self.takesAll = takesAll
        self.prefix = prefix
        self.taken = taken
        leftOut = HeaderName(prefix + "metadata_left_out")
        names = Dictionary(members.map { ($0, HeaderName(prefix + $0)) }) { first, _ in first }
        let attributes = members.compactMap { member in
            AttributeText.name(member).map { (member, HeaderName("ce_" + $0)) }
        }
        self.attributes = Dictionary(attributes) { first, _ in first }
    }

    var isEmpty: Bool { members.isEmpty && !takesAll }

    /// The most headers there can be.
    var count: Int { takesAll ? Self.maximumCount : members.count }

    /// The most that these headers can take in a record beside their values.
    var fixedLength: Int {
        if isEmpty { return 0 }
        if takesAll { return Self.maximumCount * 2 * (Self.maximumNameBytes + prefix.utf8.count + 16) }
        // Each name once as a header and perhaps once among those left out.
        return names.values.reduce(leftOutLength) { $0 + 2 * $1.byteCount + 24 }
    }

    /// What the name of the header that names others takes.
    var leftOutLength: Int { leftOut.byteCount + 32 }

    /// The header that names what was left out.
    func leftOutName(asAttribute: Bool) -> HeaderName { asAttribute ? Self.leftOutAttribute : leftOut }

    /// The values in the metadata's own order, each name once.
    func found(in metadata: RawSpan) -> [(HeaderName, String)] {
        var found = HeaderValues()
        add(metadata, asAttributes: false, to: &found)
        let left = found.leftOut.isEmpty ? [] : [(leftOut, found.leftOut.joined(separator: ","))]
        return found.all.map { ($0.name, $0.text) } + left
    }

    /// Adds the values in the metadata's own order, each name once.
    func add(_ metadata: RawSpan, asAttributes: Bool, to found: inout HeaderValues) {
        if isEmpty || metadata.byteCount == 0 { return }
        var seen: Set<String> = []
        _ = JSONText.forEachMember(of: metadata) { name, range in
            guard let header = header(name, asAttributes) else {
                if takesAll, isNameless(name, asAttributes) { found.leaveOut(name) }
                return
            }
            // Of names that become one the first is taken, and the others are named.
            guard seen.insert(takesAll ? header.description.lowercased() : name).inserted else {
                return takesAll ? found.leaveOut(name) : ()
            }
            guard seen.count <= Self.maximumCount else { return found.leaveOut(name) }
            found.add(header, range, of: metadata, as: name, isAttribute: asAttributes)
        }
    }

    private func header(_ name: String, _ asAttribute: Bool) -> HeaderName? {
        guard takesAll else { return asAttribute ? attributes[name] : names[name] }
        if asAttribute {
            guard let attribute = AttributeText.name(name), !AttributeText.ofGodwit.contains(attribute),
                !HeaderNames.isTaken(attribute: attribute), !taken.contains(attribute)
            else { return nil }
            return HeaderName("ce_" + attribute)
        }
        guard Self.isName(name), !HeaderNames.isTaken(name, prefix: prefix), !taken.contains(name.lowercased()),
            !(prefix.isEmpty && TraceHeaders.isName(name))
        else { return nil }
        return HeaderName(prefix + name)
    }

    /// Whether a member has a name that no header can have, rather than one that is another's; where that can be told.
    private func isNameless(_ name: String, _ asAttribute: Bool) -> Bool {
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) { return false }
        return asAttribute ? AttributeText.name(name) == nil : !Self.isName(name)
    }

    /// Whether a text may be a header's name: at most 128 bytes, without control characters.
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= maximumNameBytes
            && !text.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
    }
}
