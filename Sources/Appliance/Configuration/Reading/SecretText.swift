import Kafka

/// What is taken off a secret, and what a secret never holds: a program that stored it wrote more than the secret, and a server
/// would refuse it without saying why.
enum SecretText {
    /// Without a byte order mark at the front and one line break at the end.
    static func trimmed(_ text: String) -> String {
        var text = text
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    /// Trims the secrets of a layer, and reports what is doubtful in them. What came from files is trimmed before.
    static func check(_ layer: inout RawLayer) {
        for (path, value) in layer.values.sorted(by: { $0.key.description < $1.key.description }) {
            guard isSecret(path), !isText(path), case .scalar(let given) = value.content else { continue }
            // Of a file it is what every later reading of the file gives.
            let text = value.file == nil ? trimmed(given) : given
            layer.values[path]?.content = .scalar(text)
            func report(_ code: ConfigurationProblem.Code, _ message: String) {
                layer.problems.append(.init(code, source: value.source, "\"\(path)\" \(message)"))
            }
            if text.isEmpty {
                report(.value, "is empty; give it a value or remove it")
            } else if text.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\r" || $0 == "\0" }),
                path != "database.url" || text.contains("\0")
            {
                report(.secretText, "holds a line break or a NUL character, which no such secret does")
            } else if text != given {
                report(.secretLineEnd, "ends in a line break or begins with a byte order mark, which is taken off")
            } else if path != "database.url", let first = text.first, let last = text.last,
                " \t".contains(first) || " \t".contains(last)
            {
                report(.secretSpace, "begins or ends with a space or a tab, which is part of the secret")
            }
        }
    }

    private static func isSecret(_ path: ConfigurationPath) -> Bool {
        if path.pattern == "kafka.properties" { return path.words.last.map(PropertyRule.isSecret) == true }
        return ConfigurationSchema.key(path.pattern)?.kind == .secret
    }

    /// Keys and certificates have lines.
    private static func isText(_ path: ConfigurationPath) -> Bool { path.words.last?.hasSuffix(".pem") == true }
}
