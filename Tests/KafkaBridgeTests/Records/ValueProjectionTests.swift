import EventSourcing
import Testing

@testable import Kafka
@testable import KafkaBridge

@Suite struct ValueProjectionTests {
    private static let key = KeyedHash(key: Array("Jefe".utf8))

    static func steps(
        keep: [String] = [], drop: [String] = [], rename: [(String, String)] = [], mask: [String] = [],
        hash: [String] = []
    ) throws -> ProjectionSteps {
        var steps = ProjectionSteps()
        steps.keep = try keep.map { try JSONPointer($0) }
        steps.drop = try drop.map { try JSONPointer($0) }
        steps.rename = try rename.map { (try JSONPointer($0.0), $0.1) }
        steps.mask = try mask.map { try JSONPointer($0) }
        steps.hash = try hash.map { try JSONPointer($0) }
        return steps
    }

    private func apply(_ steps: ProjectionSteps, _ payload: String) throws -> String {
        #expect(steps.contradictions.isEmpty, "\(steps.contradictions)")
        let bytes = Array(payload.utf8)
        return String(decoding: try ValueProjection(steps, key: Self.key).apply(to: bytes.span.bytes), as: UTF8.self)
    }

    @Test func `keep keeps a place with all below it, and what leads there`() throws {
        let steps = try Self.steps(keep: ["/a", "/b/c", "/list/1", "/scalar/x", "/none"])
        #expect(
            try apply(
                steps,
                #" {"z": 1, "a": [ 1.0e+2 , "\u0041"], "b": {"c": null, "d": 1}, "list": [0, {"k": 1}, 2], "scalar": 3} "#
            )
                == #"{"a":[ 1.0e+2 , "\u0041"],"b":{"c":null},"list":[{"k": 1}]}"#)
        #expect(try apply(steps, #"{"z": 1}"#) == "{}")
        #expect(try apply(steps, "[1, 2]") == "[]")
    }

    @Test func `numbers and strings stay as they were written`() throws {
        let payload = #"{"a":1e400,"b":-0.0,"c":123456789012345678901234567890,"d":"\u00e9\/é","secret":1}"#
        #expect(
            try apply(try Self.steps(drop: ["/secret"]), payload)
                == #"{"a":1e400,"b":-0.0,"c":123456789012345678901234567890,"d":"\u00e9\/é"}"#)
    }

    @Test func `a name counts once it is unescaped, and each of several members of a name is treated alike`() throws {
        let payload = #"{"email":"a","\u0065mail":"b","x":{"email":"c"},"email":{"email":"d"}}"#
        #expect(try apply(try Self.steps(drop: ["/email"]), payload) == #"{"x":{"email":"c"}}"#)
        #expect(
            try apply(try Self.steps(mask: ["/email"]), payload)
                == #"{"email":"***","\u0065mail":"***","x":{"email":"c"},"email":"***"}"#)
        let hashed = try apply(try Self.steps(hash: ["/email"]), payload)
        for secret in [#""a""#, #""b""#, #""d""#] { #expect(!hashed.contains(secret)) }
    }

    @Test func `mask and hash take values of any kind`() throws {
        let payload = #"{"a":null,"b":[1,{"c":2}],"c":"what do ya want for nothing?","d":1.50,"e":{ "f": 1 }}"#
        #expect(
            try apply(try Self.steps(mask: ["/a", "/b/1/c", "/d", "/e"]), payload)
                == #"{"a":"***","b":[1,{"c":"***"}],"c":"what do ya want for nothing?","d":"***","e":"***"}"#)
        func hex(_ text: String) -> String {
            let bytes = Array(text.utf8)
            return Self.key.digest(of: bytes.span.bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        #expect(
            try apply(try Self.steps(hash: ["/a", "/c", "/d", "/e"]), payload)
                == #"{"a":"\#(hex("null"))","b":[1,{"c":2}],"c":"\#("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")","d":"\#(hex("1.50"))","e":"\#(hex(#"{ "f": 1 }"#))"}"#
        )
    }

    @Test func `members get new names, and keep their places`() throws {
        let steps = try Self.steps(
            keep: ["/customer", "/id"], rename: [("/customer", "cl\"ient"), ("/customer/name", "n")],
            mask: ["/customer/name"])
        #expect(
            try apply(steps, #"{"id":1,"customer":{"name":"x","age":3},"other":2}"#)
                == #"{"id":1,"cl\"ient":{"n":"***","age":3}}"#)
        // Elements of arrays have no names.
        #expect(try apply(try Self.steps(rename: [("/0", "a")]), "[1]") == "[1]")
    }

    @Test(arguments: [#"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#, #"{"a":1,"\u0062":2}"#, #"{"x":{},"a":{},"b":{},"a":1}"#])
    func `two members are never given one name`(_ payload: String) throws {
        let bytes = Array(payload.utf8)
        let projection = ValueProjection(try Self.steps(rename: [("/a", "b")]))
        #expect(throws: RecordProblem.renamedTwice("b")) { try projection.apply(to: bytes.span.bytes) }
        let dropped = try Self.steps(drop: ["/b"], rename: [("/a", "b")])
        #expect(try !apply(dropped, payload).contains("2"))
    }

    @Test(arguments: ["", "{", "{\"a\":1}x", "nul", "{'a':1}", "{\"a\":\"\u{1}\"}", "\u{feff}{}", "{\"a\":01}"])
    func `what is not JSON is never passed on`(_ payload: String) throws {
        let bytes = Array(payload.utf8)
        for steps in [try Self.steps(keep: ["/a"]), try Self.steps(mask: ["/a"])] {
            #expect(throws: RecordProblem.payloadNotJSON) { try ValueProjection(steps).apply(to: bytes.span.bytes) }
        }
        let invalid: [UInt8] = [0x22, 0xff, 0x22]
        #expect(throws: RecordProblem.payloadNotJSON) {
            try ValueProjection(try Self.steps(mask: ["/a"])).apply(to: invalid.span.bytes)
        }
    }

    @Test func `keep asks for members`() throws {
        let bytes = Array(#""secret""#.utf8)
        #expect(throws: RecordProblem.payloadWithoutMembers) {
            try ValueProjection(try Self.steps(keep: ["/a"])).apply(to: bytes.span.bytes)
        }
    }

    @Test func `half of a surrogate pair is not hashed`() throws {
        let bytes = Array(#"{"a":"\ud800"}"#.utf8)
        #expect(throws: RecordProblem.hashedSurrogate) {
            try ValueProjection(try Self.steps(hash: ["/a"]), key: Self.key).apply(to: bytes.span.bytes)
        }
    }

    @Test func `the deepest text there may be is gone through, and a deeper one is refused`() throws {
        let steps = try Self.steps(mask: [String(repeating: "/0", count: 199)])
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
        }
        #expect(try apply(steps, nested(200)).contains("***"))
        let deep = Array(nested(5_000).utf8)
        #expect(throws: RecordProblem.payloadNotJSON) { try ValueProjection(steps).apply(to: deep.span.bytes) }
    }

    // MARK: Contradictions

    private func contradictions(_ steps: ProjectionSteps) -> [String] {
        steps.contradictions.map { "\($0.step.rawValue) \($0.text)" }
    }

    @Test func `steps that contradict each other are named`() throws {
        let cases: [(ProjectionSteps, String)] = [
            (try Self.steps(keep: [""]), "keep names the whole payload"),
            (try Self.steps(mask: ["/a", "/a"]), "mask names /a more than once"),
            (try Self.steps(drop: ["/a"], mask: ["/a/b"]), "mask names /a/b, which is in /a"),
            (try Self.steps(mask: ["/a"], hash: ["/a/b"]), "hash names /a/b, which is in /a"),
            (try Self.steps(keep: ["/a"], drop: ["/a"]), "keep names /a, which \"drop\" names too"),
            (try Self.steps(drop: ["/a"], mask: ["/a"]), "\"drop\" names too"),
            (try Self.steps(mask: ["/a"], hash: ["/a"]), "names too"),
            (try Self.steps(drop: ["/a"], rename: [("/a", "b")]), "rename names /a, which \"drop\" names too"),
            (try Self.steps(keep: ["/a"], mask: ["/b"]), "mask names /b, which \"keep\" leaves out"),
            (try Self.steps(keep: ["/a/b"], drop: ["/a"]), "keep names /a/b, which is in /a"),
            (try Self.steps(rename: [("/a", "a")]), "rename gives /a the name that it has"),
            (try Self.steps(rename: [("/a", "c"), ("/b", "c")]), "rename gives two members of one object the name c"),
            (try Self.steps(keep: ["/a", "/b"], rename: [("/a", "b")]), "rename calls /a b, and \"keep\" names /b"),
            (try Self.steps(rename: [("/a", "b")], mask: ["/b/c"]), "rename calls /a b, and \"mask\" names /b/c"),
        ]
        for (steps, expected) in cases {
            let found = contradictions(steps)
            #expect(found.count == 1 && found[0].contains(expected), "\(found) instead of \(expected)")
        }
    }

    @Test func `steps that go together are free`() throws {
        for steps in [
            try Self.steps(keep: ["/a", "/b"], rename: [("/a", "c")], mask: ["/a"], hash: ["/b/c"]),
            try Self.steps(keep: ["/a"], drop: ["/a/b"]), try Self.steps(keep: ["/a/b"], rename: [("/a", "c")]),
            try Self.steps(drop: ["/b"], rename: [("/a", "b")]), try Self.steps(),
            try Self.steps(rename: [("/a", "b"), ("/x/a", "b")]),
        ] {
            #expect(contradictions(steps).isEmpty, "\(contradictions(steps))")
        }
    }
}
