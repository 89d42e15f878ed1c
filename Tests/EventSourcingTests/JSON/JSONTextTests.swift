import Foundation
import TestSupport
import Testing

@testable import EventSourcing

@Suite struct JSONTextTests {
    private func isValid(_ text: String) -> Bool { isValid(Array(text.utf8)) }

    private func isValid(_ bytes: [UInt8]) -> Bool { JSONText.isValid(bytes.span.bytes) }

    @Test(arguments: [
        "{}", "[]", "null", "true", "false", "0", "-0.5e+10", "1E9", #""""#, #""a\"\\\/\b\f\n\r\t\u00e9""#,
        #" { "a" : [ 1 , { "b" : null } ] } "#, #"{"a":1,"a":2}"#, "[1,2,3]\n",
    ])
    func `valid text is accepted`(_ text: String) { #expect(isValid(text)) }

    @Test(arguments: [
        "", " ", "{", "}", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "1e", "tru",
        "nulll", "\"", "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"", "[1 2]", "{} {}", "'a'", "NaN", "-",
    ])
    func `invalid text is refused`(_ text: String) { #expect(!isValid(text)) }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(!isValid([0x22, 0xff, 0x22]))
        #expect(!isValid([0x22, 0xc3, 0x22]))
    }

    @Test func `nesting is bounded`() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(isValid(nested(200)))
        #expect(!isValid(nested(1_000_000)))
    }

    /// Texts made from valid ones by small damage, against Foundation.
    @Test func `damaged text is judged as Foundation does`() {
        var random = Seeded(11)
        let seeds = [
            #"{"id":7,"name":"a\"b","list":[1,-2.5,true,null],"nested":{"x":{}}}"#, #"["\u00e9",{"k":"v"},[[]],0]"#,
        ]
        let letters = Array(#"{}[]",:\0123456789.eE+-truefalsn ab"#.utf8)
        for _ in 0..<20_000 {
            var bytes = Array(seeds[Int.random(in: 0..<seeds.count, using: &random)].utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.remove(at: index)
                case 1: bytes.insert(letters[Int.random(in: 0..<letters.count, using: &random)], at: index)
                default: bytes[index] = letters[Int.random(in: 0..<letters.count, using: &random)]
                }
            }
            // What we accept, a strict parser accepts; so a structured text cannot be broken by its payload.
            if isValid(bytes) {
                let parsed = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
                #expect(parsed != nil, "\(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }

    @Test func `members are found with their values`() {
        let text = Array(#" {"a": "x\ny", "b\u0063": {"c": [1]}, "d": 12, "e":null} "#.utf8)
        var members: [String] = []
        let isObject = JSONText.forEachMember(of: text.span.bytes) { name, range in
            members.append("\(name)=\(String(decoding: text[range], as: UTF8.self))")
        }
        #expect(isObject)
        #expect(members == [#"a="x\ny""#, #"bc={"c": [1]}"#, "d=12", "e=null"])
        let list = Array("[1]".utf8)
        #expect(!JSONText.forEachMember(of: list.span.bytes) { _, _ in })
    }

    @Test func `escapes become text`() {
        let text = Array(#"a\"\\\/\n\u00e9\ud83d\ude00z"#.utf8)
        #expect(text.withUnsafeBytes { JSONText.unescaped($0) } == "a\"\\/\né😀z")
    }
}
