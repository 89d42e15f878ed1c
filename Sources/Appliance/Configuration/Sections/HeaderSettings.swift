import Consumers
import EventSourcing
import KafkaBridge

/// The headers beyond the standard ones, and that no two have the same name.
struct HeaderSettings {
    private(set) var added: [AddedHeaders.Header] = []
    /// Members of the metadata, by their names.
    private(set) var members: [String] = []
    private(set) var takesAll = false

    private let prefix: String
    private let isCloudEvents: Bool
    private let trace: TraceHeaders
    /// What sends each name, in lower case as it is sent; in CloudEvents by the attributes' names.
    private var sent: [String: String] = [:]

    init(
        prefix: String, _ format: RecordFormat, renamed: [String: String], _ trace: TraceHeaders,
        at path: ConfigurationPath,
        _ values: inout ConfigurationValues
    ) {
        self.prefix = prefix
        isCloudEvents = format != .payload
        self.trace = trace
        for (column, name) in renamed.sorted(by: { $0.key < $1.key }) {
            _ = enter(name, as: "\(column) renamed", path, &values)
        }
    }

    // MARK: Of one's own

    /// Takes the members of `headers` that are no standard headers.
    mutating func take(_ members: [RawValue.Member], at path: ConfigurationPath, _ values: inout ConfigurationValues) {
        for member in members {
            guard let source = Self.source(member, path, &values) else { continue }
            if case .value(let text) = source, text.unicodeScalars.contains(where: Self.isControl) {
                values.problem(
                    path, .header, "gives \(member.name) a value with a control character; remove that",
                    at: member.source)
                continue
            }
            if enter(member.name, as: "headers", path, at: member.source, isOwn: true, &values) {
                added.append(AddedHeaders.Header(member.name, source))
            }
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
    }

    private static func source(
        _ member: RawValue.Member, _ path: ConfigurationPath, _ values: inout ConfigurationValues
    ) -> AddedHeaders.Source? {
        guard case .mapping(let parts) = member.content, let part = parts.first, parts.count == 1,
            case .scalar(let text) = part.content
        else {
            let nearest = NearestName.of(member.name, among: StandardHeaders.columns.map(\.name))
            values.problem(
                path, .header,
                "has \(member.name), which is no standard header; one of your own is written "
                    + "\(member.name): { value: … }, { metadata: /… } or { payload: /… }"
                    + (nearest.map { "; did you mean \"\($0)\"?" } ?? ""), at: member.source)
            return nil
        }
        switch part.name {
        case "value": return .value(text)
        case "metadata", "payload":
            guard let pointer = ConsumerSection.pointer(text, path, .header, at: part.source, &values) else {
                return nil
            }
            guard !pointer.tokens.isEmpty else {
                values.problem(
                    path, .header, "has \(member.name), which names a whole document; name a place in it",
                    at: part.source)
                return nil
            }
            return .place(EventPlace(part.name == "metadata" ? .metadata : .payload, pointer))
        default:
            values.problem(
                path, .header,
                "has \(member.name) with \"\(part.name)\"; it takes its text from value, metadata or payload",
                at: part.source)
            return nil
        }
    }

    // MARK: Of the metadata

    /// Takes what `metadata_headers` says.
    mutating func takeMetadata(at path: ConfigurationPath, _ values: inout ConfigurationValues) {
        switch values.content(path) {
        case nil, .mapping: return
        case .scalar("all"): takesAll = true
        case .scalar(let text):
            values.problem(path, "is \"\(text)\", but must be all, or a list of names or places; as a list, [\(text)]")
        case .list(let names): take(names, path, &values)
        }
    }

    private mutating func take(
        _ names: [String], _ path: ConfigurationPath, _ values: inout ConfigurationValues
    ) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            values.problem(path, .headerRepeated, "names \(name) more than once")
        }
        if names.count > MetadataHeaders.maximumCount {
            values.problem(
                path, .header,
                "names \(names.count) members, and at most \(MetadataHeaders.maximumCount) can be headers")
        }
        seen = []
        for name in names where seen.insert(name).inserted {
            guard name.hasPrefix("/") else {
                if enter(name, as: path.words.last ?? "", path, &values) { members.append(name) }
                continue
            }
            guard let pointer = ConsumerSection.pointer(name, path, .header, &values), let last = pointer.tokens.last
            else { continue }
            if enter(last, as: path.words.last ?? "", path, &values) {
                added.append(AddedHeaders.Header(last, .place(EventPlace(.metadata, pointer))))
            }
        }
    }

    // MARK: Names

    /// Whether a header can have the name; what is wrong with it is reported.
    ///
    /// - Parameter isOwn: whether the configuration gives the header a value of its own.
    private mutating func enter(
        _ name: String, as source: String, _ path: ConfigurationPath, at place: ConfigurationSource? = nil,
        isOwn: Bool = false, _ values: inout ConfigurationValues
    ) -> Bool {
        if let trace = TraceHeaders.named.first(where: { $0.name == name.lowercased() }),
            isCloudEvents || prefix.isEmpty
        {
            if self.trace.contains(trace.header) {
                // What is taken from the metadata is sent already; a value of one's own would not be.
                let remedy =
                    isOwn
                    ? "; take it out of \"trace_headers\" where it is to be sent instead"
                    : ", from the metadata too; remove it here"
                values.problem(
                    path, isOwn && !isCloudEvents ? .header : .headerRepeated,
                    "names \(name), which \"trace_headers\" sends already\(remedy)", at: place)
                return false
            }
            if isCloudEvents {
                values.problem(
                    path, .header, "names \(name), which CloudEvents have from \"trace_headers\"; name it there",
                    at: place)
                return false
            }
        }
        let flaw = isCloudEvents ? enterAttribute(name, source) : enterHeader(name, source)
        if let flaw { values.problem(path, .header, flaw, at: place) }
        return flaw == nil
    }

    /// - Returns: why there can be no header of the name.
    private mutating func enterHeader(_ name: String, _ source: String) -> String? {
        if let flaw = ConsumerSection.flaw(ofHeader: name, prefix: prefix) {
            return "holds \(MetadataHeaders.isName(name) ? name : "a name"), \(flaw)"
        }
        guard let other = sent.updateValue("\(name) of \(source)", forKey: (prefix + name).lowercased()) else {
            return nil
        }
        return
            "makes a second header \(prefix)\(name), beside \(other); many readers do not tell upper and lower case apart: "
            + "rename one of them"
    }

    /// - Returns: why there can be no attribute of the name.
    private mutating func enterAttribute(_ name: String, _ source: String) -> String? {
        guard MetadataHeaders.isName(name), let attribute = AttributeText.name(name) else {
            return
                "holds a name that makes no attribute of CloudEvents, which have letters and digits; rename it in \"headers\""
        }
        if AttributeText.ofGodwit.contains(attribute) || HeaderNames.isTaken(name) {
            return
                "holds \(name), which is the name of an attribute that CloudEvents or Godwit have (\(attribute)); take it under another name: "
                + "headers: { my\(attribute): { metadata: /… } }"
        }
        guard let other = sent.updateValue("\(name) of \(source)", forKey: attribute) else { return nil }
        return
            "holds \(name), which becomes the attribute \(attribute), as \(other) does; rename one of them in \"headers\""
    }
}
