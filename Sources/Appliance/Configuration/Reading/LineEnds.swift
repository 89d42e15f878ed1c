import Kafka

/// What is taken off a value, and what no value of one line holds: a program that stored a secret or an address often wrote a line
/// break behind it, and a server would refuse that without saying why.
enum LineEnds {
    /// Without a byte order mark at the front and one line break at the end.
    static func trimmed(_ text: String) -> String {
        var text = text
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    /// Trims the values of a layer, and reports what is doubtful in them. What came from files is trimmed before.
    static func check(_ layer: inout RawLayer) {
        for (path, value) in layer.values.sorted(by: { $0.key.description < $1.key.description }) {
            func report(_ code: ConfigurationProblem.Code, _ message: String) {
                layer.problems.append(.init(code, source: value.source, "\"\(path)\" \(message)"))
            }
            switch value.content {
            // What its texts become says what they may hold.
            case .mapping: continue
            case .list(let items):
                guard let last = items.last, trimmed(last) != last else { continue }
                layer.values[path]?.content = .list(items.dropLast() + [trimmed(last)])
                report(.lineEnd, takenOff)
            case .scalar(let given):
                if hasLines(path) { continue }
                // Of a file it is what every later reading of the file gives.
                let text = value.file == nil ? trimmed(given) : given
                layer.values[path]?.content = .scalar(text)
                if text.isEmpty {
                    layer.values[path] = nil
                    report(.value, "is empty; give it a value or remove it")
                } else if text.unicodeScalars.contains("\0") || (!path.isDatabaseURL && hasBreak(text)) {
                    report(.lineBreak, "holds a line break or a NUL character; write it as one line")
                } else if text != given {
                    report(.lineEnd, takenOff)
                } else if isSecret(path), !path.isDatabaseURL, let first = text.first, let last = text.last,
                    " \t".contains(first) || " \t".contains(last)
                {
                    report(.secretSpace, "begins or ends with a space or a tab, which is part of the secret")
                }
            }
        }
    }

    private static let takenOff = "ends in a line break or begins with a byte order mark, which is taken off"

    private static func hasBreak(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0 == "\n" || $0 == "\r" }
    }

    private static func isSecret(_ path: ConfigurationPath) -> Bool {
        if path.pattern == "kafka.properties" { return path.words.last.map(PropertyRule.isSecret) == true }
        return ConfigurationSchema.key(path.pattern)?.kind == .secret
    }

    /// Keys and certificates have lines.
    private static func hasLines(_ path: ConfigurationPath) -> Bool { path.words.last?.hasSuffix(".pem") == true }
}
