/// Puts the contents of files in the place of the keys that name them: `database.url_file` becomes `database.url`.
enum SecretFiles {
    /// Resolves one layer. `read` gives a file's text, or throws why it cannot.
    static func resolve(_ layer: inout RawLayer, read: (String) throws -> String) {
        for (path, value) in layer.values.sorted(by: { $0.key.description < $1.key.description }) {
            guard let last = path.words.last, last.hasSuffix("_file"), case .scalar(let file) = value.content else {
                continue
            }
            let isProperty = path.pattern == "kafka.properties"
            guard isProperty || ConfigurationSchema.keyOfFile(path.pattern) != nil else { continue }
            layer.values[path] = nil
            let target = ConfigurationPath(path.words.dropLast() + [String(last.dropLast("_file".count))])
            func problem(_ code: ConfigurationProblem.Code, _ message: String) {
                layer.problems.append(ConfigurationProblem(code, source: value.source, message))
                layer.unusable.insert(target)
            }
            if let other = layer.values[target] {
                problem(
                    .conflict,
                    "\"\(target)\" is given too, at \(other.source.description); give it or \"\(path)\", not both")
                continue
            }
            do {
                let text = LineEnds.trimmed(try read(file))
                if text.isEmpty {
                    problem(.secretFile, "the file \(file) of \"\(path)\" is empty")
                } else {
                    layer.values[target] = RawValue(content: .scalar(text), source: value.source, file: file)
                }
            } catch {
                problem(.secretFile, "the file \(file) of \"\(path)\" cannot be read: \(error)")
            }
        }
    }
}
