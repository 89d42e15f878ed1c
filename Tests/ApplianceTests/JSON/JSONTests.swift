import TestSupport
import Testing

@testable import Appliance

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"b":1,"a":[true,false,null,-0.5e+10,12345678901234567890123],"c":{"d":"x"}}"#, "[]", "{}", #""""#,
        #"["\"\\\n\t","😀 é"]"#,
    ])
    func `a text comes out as it went in`(text: String) throws {
        let value = try JSONParser.parse(text)
        #expect(value.text == text)
        #expect(try JSONParser.parse(value.indentedText) == value)
    }

    @Test func `escapes are read`() throws {
        #expect(try JSONParser.parse(#" "\u0041\ud83d\ude00\/\b\u00e9" "#) == .string("A😀/\u{8}é"))
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":}", "{a:1}", "01", "1.", "--1", "1e", "tru", "\"", "\"\\x\"", "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\t\"", "1 2", "{\"a\":1,\"a\":2}", "+1", "NaN",
    ])
    func `what is no JSON is refused`(text: String) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(text) }
    }

    @Test func `deep nesting is refused, not a crash`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(deep) }
    }

    @Test func `control characters never leave raw`() {
        let text = JSONValue.string("a\u{1b}[31m\u{9b}\u{7f}\u{2028}").text
        #expect(text == #""a\u001b[31m\u009b\u007f\u2028""#)
    }

    @Test func `mutated texts never crash the parser`() {
        var generator = seeded("mutated JSON")
        let text = Array(#"{"a":[1,2.5e3,"x\u0041"],"b":{"c":null,"d":true}}"#.utf8)
        for _ in 0..<20_000 {
            var bytes = text
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if let value = try? JSONParser.parse(String(decoding: bytes, as: UTF8.self)) {
                #expect((try? JSONParser.parse(value.text)) == value)
            }
        }
    }
}
