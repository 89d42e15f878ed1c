import Consumers
import EventSourcing

/// Raw values as typed ones; collects what is wrong with them on the way.
///
/// A value that is wrong gives its default, so that reading goes on and all problems are found at once.
struct ConfigurationValues {
    private let raw: [ConfigurationPath: RawValue]
    /// What is given without a usable text, which is reported already.
    private let unusable: Set<ConfigurationPath>
    private(set) var problems: [ConfigurationProblem] = []

    private let isReadable: (String) -> Bool
    /// Of one source of several: where its own values stand.
    private var own: [ConfigurationPath: ConfigurationPath] = [:]
    private var sourceName: String?

    /// - Parameter isReadable: whether this user may read a file or directory.
    init(
        raw: [ConfigurationPath: RawValue], unusable: Set<ConfigurationPath> = [],
        isReadable: @escaping (String) -> Bool
    ) {
        self.raw = raw
        self.unusable = unusable
        self.isReadable = isReadable
    }

    /// The values as one source of several has them: its own stand where those of the only source would, in front of what `database`
    /// says for all.
    func narrowed(to name: String) -> ConfigurationValues {
        let section = ["sources", name]
        var (raw, unusable) = (raw, unusable)
        func target(_ path: ConfigurationPath) -> ConfigurationPath? {
            guard path.words.starts(with: section), path.words.count > 2 else { return nil }
            let rest = Array(path.words.dropFirst(2))
            return ConfigurationPath(rest.first == "database" ? rest : ["source"] + rest)
        }
        // How a password comes is one matter.
        let passwords: [ConfigurationPath] = [
            "database.password", "database.password_command", "database.password_command_timeout",
        ]
        if passwords.contains(where: { isGiven(ConfigurationPath(section + $0.words)) }) {
            for path in passwords {
                raw[path] = nil
                unusable.remove(path)
            }
        }
        var own: [ConfigurationPath: ConfigurationPath] = [:]
        for path in Set(raw.keys).union(unusable) {
            guard let target = target(path) else { continue }
            own[target] = path
            raw[target] = raw[path]
            if unusable.contains(path) { unusable.insert(target) }
        }
        var values = ConfigurationValues(raw: raw, unusable: unusable, isReadable: isReadable)
        (values.own, values.sourceName) = (own, name)
        return values
    }

    /// Takes over what was found wrong with the values of one source.
    mutating func take(_ other: [ConfigurationProblem]) { problems += other }

    /// The path as it is, or would be, in the file.
    func given(_ path: ConfigurationPath) -> ConfigurationPath {
        guard let sourceName else { return path }
        if let own = own[path] { return own }
        if path.words.first == "source" { return ConfigurationPath(["sources", sourceName] + path.words.dropFirst()) }
        if path == "database.url", raw[path] == nil { return ConfigurationPath(["sources", sourceName] + path.words) }
        return path
    }

    func source(_ path: ConfigurationPath) -> ConfigurationSource { raw[path]?.source ?? .standard }

    /// What was written at a path, not looked at yet.
    func content(_ path: ConfigurationPath) -> RawValue.Content? { raw[path]?.content }

    /// Whether there is a value, were it one that cannot be used.
    func isGiven(_ path: ConfigurationPath) -> Bool { raw[path] != nil || unusable.contains(path) }

    /// The file that holds the value, to be read again where that changes.
    func file(_ path: ConfigurationPath) -> String? { raw[path]?.file }

    mutating func problem(_ path: ConfigurationPath, _ message: String) { problem(path, .value, message) }

    mutating func problem(_ path: ConfigurationPath, _ code: ConfigurationProblem.Code, _ message: String) {
        problem(path, code, message, at: nil)
    }

    /// - Parameter source: where in the value it is wrong; `nil` for where the value begins.
    mutating func problem(
        _ path: ConfigurationPath, _ code: ConfigurationProblem.Code, _ message: String, at source: ConfigurationSource?
    ) {
        problems.append(
            ConfigurationProblem(code, source: source ?? raw[path]?.source, "\"\(given(path))\" \(message)"))
    }

    /// Says where a file of certificates or keys cannot be read.
    mutating func readable(_ file: String, _ path: ConfigurationPath) {
        if !isReadable(file) { problem(path, .kafkaFile, "names \(file), which is not there or may not be read") }
    }

    /// The text of any key that takes one; nil when it is not given and has no default.
    mutating func optionalText(_ path: ConfigurationPath) -> String? {
        guard let key = ConfigurationSchema.key(path.pattern) else { return nil }
        guard case .scalar(let text) = raw[path]?.content else { return key.defaultText }
        switch key.kind {
        case .choice(let choices) where !choices.contains(text):
            let nearest = NearestName.of(text, among: choices).map { "; did you mean \"\($0)\"?" } ?? ""
            problem(
                path, "is \"\(Concealed.text(text))\", but must be one of: \(choices.joined(separator: ", "))\(nearest)"
            )
            return key.defaultText
        case .identifier:
            guard !TableName.isIdentifier(text) else { return text }
            problem(path, "may hold letters, digits and underscores, at most 63, and begins with no digit")
            return key.defaultText
        default:
            return text
        }
    }

    /// The text of a key that is required or has a default; empty, with a problem, when neither.
    mutating func text(_ path: ConfigurationPath) -> String {
        if let text = optionalText(path) { return text }
        missing(path)
        return ""
    }

    mutating func missing(_ path: ConfigurationPath) {
        guard let key = ConfigurationSchema.key(path.pattern), !unusable.contains(path) else { return }
        let path = given(path)
        let variable = ConfigurationKey.environmentName(path.description)
        let file = key.takesFile ? ", or \"\(path)_file\"" : ""
        problems.append(
            ConfigurationProblem(
                .missing, source: nil, "\"\(path)\" is required; set it in the file\(file), or GODWIT_\(variable)"))
    }

    /// Says what a mapped source lacks, where its columns begin.
    mutating func missingColumns(_ message: String) {
        let sources = raw.filter { $0.key.words.starts(with: ["source", "columns"]) }.map(\.value.source)
        let first = sources.min {
            $0.description.count == $1.description.count
                ? $0.description < $1.description : $0.description.count < $1.description.count
        }
        let place = sourceName.map { "sources.\($0).columns" } ?? "source.columns"
        problems.append(
            ConfigurationProblem(
                .missing, source: first, message.replacing("\"source.columns\"", with: "\"\(place)\"")))
    }

    mutating func missingConsumers() {
        problems.append(
            ConfigurationProblem(
                .missing, source: nil, "\"consumers\" names none; give one: consumers: { all: { topic: \"events\" } }"))
    }

    /// One source without a name, and several with names, exclude each other.
    mutating func conflictWithSources() {
        let only = Set(raw.keys).union(unusable).filter { $0.words.first == "source" }
        guard let path = only.min(by: { $0.description < $1.description }) else { return }
        problem(path, .conflict, "and \"sources\" are given; give the one source, or named ones")
    }

    /// The value of the path, of the other path when it is not given, or that one's default.
    mutating func integer(_ path: ConfigurationPath, orElse other: ConfigurationPath? = nil) -> Int {
        let path = chosen(path, other)
        return number(path, Int.init, "a whole number") { kind, value in
            guard case .integer(let range) = kind, !range.contains(value) else { return nil }
            return "\(range.lowerBound) to \(range.upperBound)"
        } ?? 0
    }

    /// As `integer`, for a key without a default.
    mutating func optionalInteger(_ path: ConfigurationPath) -> Int? {
        isGiven(path) ? integer(path) : nil
    }

    mutating func size(_ path: ConfigurationPath) -> Int {
        number(path, SizeText.parse, "a size such as 512KiB, 32MiB or 1GiB") { kind, value in
            guard case .size(let range) = kind, !range.contains(value) else { return nil }
            return "\(SizeText.format(range.lowerBound)) to \(SizeText.format(range.upperBound))"
        } ?? 0
    }

    mutating func boolean(_ path: ConfigurationPath) -> Bool {
        number(path, Bool.init, "true or false") { _, _ in nil } ?? false
    }

    mutating func duration(_ path: ConfigurationPath) -> Duration {
        return number(path, DurationText.parse, "a duration such as 500ms, 30s or 5m") { kind, value in
            guard case .duration(let range) = kind, !range.contains(value) else { return nil }
            return "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
        } ?? .zero
    }

    mutating func list(_ path: ConfigurationPath) -> [String] {
        guard case .list(let items) = raw[path]?.content else { return [] }
        return items
    }

    /// The properties below a path by their names.
    func properties(_ parent: ConfigurationPath) -> [String: String] {
        var properties: [String: String] = [:]
        for (path, value) in raw
        where path.words.count == parent.words.count + 1 && path.words.starts(with: parent.words) {
            if case .scalar(let text) = value.content, let name = path.words.last { properties[name] = text }
        }
        return properties
    }

    /// The lists below a path by their names.
    func lists(_ parent: ConfigurationPath) -> [String: [String]] {
        var lists: [String: [String]] = [:]
        for (path, value) in raw
        where path.words.count == parent.words.count + 1 && path.words.starts(with: parent.words) {
            if case .list(let items) = value.content, let name = path.words.last { lists[name] = items }
        }
        return lists
    }

    /// The files that hold the values of properties, by the properties' names.
    func propertyFiles(_ parent: ConfigurationPath) -> [String: String] {
        var files: [String: String] = [:]
        for (path, value) in raw
        where path.words.count == parent.words.count + 1 && path.words.starts(with: parent.words) {
            if let file = value.file, let name = path.words.last { files[name] = file }
        }
        return files
    }

    private func chosen(_ path: ConfigurationPath, _ other: ConfigurationPath?) -> ConfigurationPath {
        if let other, raw[path] == nil { other } else { path }
    }

    private mutating func number<Value>(
        _ path: ConfigurationPath, _ parse: (String) -> Value?, _ what: String,
        _ range: (ConfigurationKey.Kind, Value) -> String?
    ) -> Value? {
        guard let key = ConfigurationSchema.key(path.pattern) else { return nil }
        let standard = key.defaultText.flatMap(parse)
        guard case .scalar(let text) = raw[path]?.content else { return standard }
        guard let value = parse(text) else {
            problem(path, "is \"\(Concealed.text(text))\", but must be \(what)")
            return standard
        }
        if let range = range(key.kind, value) {
            problem(path, "is \(text), but must be in the range \(range)")
            return standard
        }
        return value
    }
}
