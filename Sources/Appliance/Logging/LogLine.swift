package import Logging

/// Turns one message into one line, for a terminal or for a machine. What comes from events, topics or servers may hold
/// anything: no control character leaves raw.
package enum LogLine {
    /// `09:15:02.123 info  godwit.relay: caught up position=1200`
    package static func text(
        time: String, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata
    ) -> String {
        let name = level.rawValue + String(repeating: " ", count: max(0, 8 - level.rawValue.count))
        var line = "\(time) \(name) \(label): \(harmless(message))"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(harmless(key))=\(plain(value))"
        }
        return line + "\n"
    }

    /// `{"time":"…","level":"info","logger":"godwit.relay","message":"caught up","position":"1200"}`
    package static func json(
        time: String, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata
    ) -> String {
        var members: [JSONValue.Member] = [
            .init("time", .string(time)), .init("level", .string(level.rawValue)), .init("logger", .string(label)),
            .init("message", .string(message)),
        ]
        let taken: Set<String> = ["time", "level", "logger", "message"]
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            members.append(.init(taken.contains(key) ? "_" + key : key, json(value)))
        }
        return JSONValue.object(members).text + "\n"
    }

    private static func json(_ value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value): .string(value.description)
        case .array(let items): .array(items.map(json))
        case .dictionary(let members):
            .object(members.sorted { $0.key < $1.key }.map { .init($0.key, json($0.value)) })
        }
    }

    private static func plain(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): quotedIfNeeded(text)
        case .stringConvertible(let value): quotedIfNeeded(value.description)
        case .array, .dictionary: json(value).text
        }
    }

    private static func quotedIfNeeded(_ text: String) -> String {
        let bare =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7F && $0 != "\"" && $0 != "=" }
        return bare ? text : JSONValue.string(text).text
    }

    /// Escapes what a terminal would act on, and line ends, which would forge another line.
    package static func harmless(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
        if isPlain { return text }
        var quoted = ""
        JSONValue.write(text, to: &quoted, escapingQuotes: false)
        return String(quoted.dropFirst().dropLast())
    }
}
