import Testing

@testable import EventSourcing

@Suite struct JSONPointerTests {
    private func look(_ pointer: String, _ text: String) throws -> String? {
        let bytes = Array(text.utf8)
        switch JSONText.value(at: try JSONPointer(pointer), in: bytes.span.bytes) {
        case .found(let range): return String(decoding: bytes[range], as: UTF8.self)
        case .absent: return nil
        case .notJSON: return "not JSON"
        }
    }

    /// The example of RFC 6901, section 5.
    private static let example = #"""
        { "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8 }
        """#

    @Test(arguments: [
        ("/foo", #"["bar", "baz"]"#), ("/foo/0", #""bar""#), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"),
        ("/g|h", "4"), (#"/i\j"#, "5"), (#"/k"l"#, "6"), ("/ ", "7"), ("/m~0n", "8"),
    ])
    func `places of the standard's example are found`(pointer: String, value: String) throws {
        #expect(try look(pointer, Self.example) == value)
    }

    @Test func `the empty pointer is the whole text`() throws {
        #expect(try look("", #" {"a":1} "#) == #"{"a":1}"#)
    }

    @Test(arguments: ["/foo/2", "/foo/-", "/foo/00", "/foo/bar", "/bar", "/foo/0/1", "//"])
    func `what is not there is absent`(pointer: String) throws {
        #expect(try look(pointer, Self.example) == nil)
    }

    @Test func `the last of several members of one name counts`() throws {
        #expect(try look("/a/b", #"{"a":{"b":1},"a":{"b":2}}"#) == "2")
        #expect(try look("/a/b", #"{"a":{"b":1},"a":{}}"#) == nil)
        #expect(try look("/a", #"{"\u0061":1}"#) == "1")
    }

    @Test(arguments: ["", "{", #"{"a":1"#, #"{"a":1} x"#, #"{"a":1,}"#, "[1 2]", #"{"a":1}{"b":2}"#, "{'a':1}"])
    func `nothing is found in what is not JSON`(text: String) throws {
        #expect(try look("/a", text) == "not JSON")
    }

    @Test func `a text that is nested too deeply is none`() throws {
        let text = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(try look("/0/0", text) == "not JSON")
    }

    @Test(arguments: [("a", JSONPointerError.noSlash), ("/a~", .escape), ("/a~2", .escape), ("/\u{301}a~", .escape)])
    func `a pointer that is none is refused`(text: String, error: JSONPointerError) {
        #expect(throws: error) { try JSONPointer(text) }
    }

    @Test func `a combining mark hides no slash`() throws {
        #expect(try look("/a/\u{301}b", "{\"a\":{\"\u{301}b\":1}}") == "1")
    }
}
