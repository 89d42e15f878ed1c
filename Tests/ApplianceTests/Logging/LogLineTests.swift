import Logging
import Testing

@testable import Appliance

@Suite struct LogLineTests {
    private static let nasty = "a\u{1b}[2J\nb\r\u{9b}31m"

    @Test func `no control character reaches the log raw`() {
        let metadata: Logger.Metadata = [
            "plain": "x", "nasty\u{7}": "\(Self.nasty)", "list": ["\(Self.nasty)", ["k\n": "v\u{0}"]],
        ]
        for line in [
            LogLine.text(time: "t", level: .info, label: "l", message: Self.nasty, metadata: metadata),
            LogLine.json(time: "t", level: .info, label: "l", message: Self.nasty, metadata: metadata),
        ] {
            #expect(line.hasSuffix("\n"))
            let inside = line.dropLast().unicodeScalars
            #expect(
                !inside.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }, "\(line.debugDescription)")
        }
    }

    @Test func `a line for machines is one JSON object whose own fields cannot be forged`() throws {
        let line = LogLine.json(
            time: "2026", level: .warning, label: "godwit", message: "say \"hi\"",
            metadata: ["message": "forged", "count": "\(3)", "list": ["a", "b"]])
        let json = try JSONParser.parse(line)
        #expect(json["level"] == "warning" && json["message"] == "say \"hi\"" && json["_message"] == "forged")
        #expect(json["count"] == "3" && json["list"] == ["a", "b"])
    }

    @Test func `a line for people reads well`() {
        let line = LogLine.text(
            time: "09:15:02.123", level: .info, label: "godwit.relay", message: "caught up with \"all\" – done",
            metadata: ["topic": "a b", "position": "12"])
        #expect(line == "09:15:02.123 info     godwit.relay: caught up with \"all\" – done position=12 topic=\"a b\"\n")
    }
}
