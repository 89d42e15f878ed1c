import Testing

@testable import Appliance

@Suite struct JSONLayoutTests {
    private func lines(_ text: String) -> [String]? { JSONLayout.lines(Array(text.utf8)) }

    @Test func `members and items stand on lines of their own, and empty ones stay together`() {
        #expect(
            lines(#"{"a":[1, {}, [ ]],"b":{"c":null}}"#) == [
                "{", "  \"a\": [", "    1,", "    {},", "    []", "  ],", "  \"b\": {", "    \"c\": null", "  }", "}",
            ])
        #expect(lines(" {} ") == ["{}"] && lines("7") == ["7"])
    }

    @Test func `digits, escapes, repeated names and what looks like JSON in a text stay as they are`() {
        let found = lines(#"{"a":1e400,"a":0.10,"\u0041{":"[\",:}\\"}"#)
        #expect(found == ["{", "  \"a\": 1e400,", "  \"a\": 0.10,", #"  "\u0041{": "[\",:}\\""#, "}"])
    }

    @Test func `deep text of many items is laid out as far as is asked for`() {
        let text =
            String(repeating: "[", count: 150) + "1" + String(repeating: ",1", count: 2_000_000)
            + String(repeating: "]", count: 150)
        #expect(JSONLayout.lines(Array(text.utf8), atMost: 200)?.count == 200)
        #expect(JSONLayout.lines(Array("[1,2]".utf8), atMost: 3) == ["[", "  1,", "  2"])
        #expect(JSONLayout.lines(Array("[1,2]".utf8), atMost: 4)?.last == "]")
    }

    @Test(arguments: ["", "{", "{\"a\":}", "nope", "1 2", "\"\u{1}\""])
    func `what is no JSON has no lines`(text: String) {
        #expect(lines(text) == nil)
    }
}
