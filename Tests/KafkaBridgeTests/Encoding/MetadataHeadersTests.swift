import Foundation
import TestSupport
import Testing

@testable import KafkaBridge

@Suite struct MetadataHeadersTests {
    @Test func `base64 agrees with Foundation`() {
        var random = Seeded(2)
        for count in 0..<100 {
            let data = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            var bytes: [UInt8] = []
            data.withUnsafeBytes { Base64.append($0, to: &bytes) }
            #expect(String(decoding: bytes, as: UTF8.self) == Data(data).base64EncodedString())
        }
    }

    @Test func `metadata members become headers by the list`() {
        let headers = MetadataHeaders(["tenant", "count", "tags", "none", "absent"], prefix: "m_")
        let metadata = Array(#"{"tenant": "a\"b", "secret": "s", "count": 3, "tags": ["x"], "none": null}"#.utf8)
        let found = headers.found(in: metadata.span.bytes).map { "\($0.0)=\($0.1)" }
        #expect(found == [#"m_tenant=a"b"#, "m_count=3", #"m_tags=["x"]"#])
    }

    @Test func `metadata cannot make headers large`() {
        let headers = MetadataHeaders((0..<20).map { "m\($0)" })
        func found(_ sizes: [Int]) -> [String: Int] {
            let members = sizes.enumerated().map { #""m\#($0)": "\#(String(repeating: "x", count: $1))""# }
            let metadata = Array("{\(members.joined(separator: ","))}".utf8)
            let found = headers.found(in: metadata.span.bytes).map { ("\($0.0)", $0.1.utf8.count) }
            return Dictionary(found) { first, _ in first }
        }
        #expect(found([10, 9_000, 10]) == ["m0": 10, "m2": 10, "metadata_left_out": 2])
        #expect(found([8_190]) == ["m0": 8_190])
        let many = found(Array(repeating: 8_000, count: 20))
        #expect(many.keys.count == 5 && many["m3"] == 8_000 && many["m4"] == nil && many["metadata_left_out"] == 57)
    }

    @Test(arguments: [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false),
        ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
        ("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x", false),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false), ("trace-1", false), ("", false),
    ])
    func `trace parents are recognised`(_ text: String, _ isOne: Bool) {
        let bytes = Array(text.utf8)
        #expect((TraceParent.read(bytes.span.bytes) != nil) == isOne)
    }

    @Test(arguments: [
        ("", "b7", "01"), ("-what.else", "b7", "01"), ("-a", "fa", "00"), ("", "f8", "00"), ("", "0f", "01"),
    ])
    func `of a later version goes on what this one knows`(_ more: String, _ flags: String, _ known: String) {
        let bytes = Array("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-\(flags)\(more)".utf8)
        let read = TraceParent.read(bytes.span.bytes)
        let text = read.map { parent in parent.indices.map { String(UnicodeScalar(parent[$0])) }.joined() }
        #expect(text == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-\(known)")
    }
}
