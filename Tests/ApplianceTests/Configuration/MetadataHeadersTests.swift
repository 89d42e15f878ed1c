import Testing

@testable import Appliance

@Suite struct MetadataHeadersTests {
    private func problems(_ names: String, prefix: String? = nil) -> [String] {
        let prefix = prefix.map { ", header_prefix: \"\($0)\"" } ?? ""
        return ConfigurationFileTests.problems(
            "consumers: { a: { topic: t, metadata_headers: \(names)\(prefix) } }", needs: [])
    }

    @Test func `members of one's own become headers`() {
        #expect(problems("[tenant, user-id, X-Request]").isEmpty)
    }

    @Test(arguments: [
        "[event_id]", "[ce_type]", "[\"a\\nb\"]", "[metadata_left_out]", "[godwit_republish_job]",
        "[godwit_original_time]",
        "[godwit_anything]", "[Event_ID]", "[CE_Type]", "[Content-Type]", "[dead_letter_reason]", "[Dead_Letter_Error]",
    ])
    func `a name that is taken or none is refused`(_ names: String) {
        #expect(problems(names).count == 1)
    }

    @Test(arguments: [
        ("[job]", "godwit_republish_"), ("[republish_job]", "godwit_"), ("[id]", "event_"), ("[type]", "C"),
        ("[e_type]", "c"),
        ("[event_id]", "x-"), ("[godwit_republish_job]", "x-"), ("[tenant]", "ce_"), ("[tenant]", "a\\tb"),
    ])
    func `a prefix makes no reserved name, nor hides one`(_ names: String, _ prefix: String) {
        #expect(problems(names, prefix: prefix).count == (prefix == "C" ? 0 : 1))
    }

    @Test func `a prefix of one's own is free, and a name twice is a warning`() {
        #expect(problems("[tenant, id, type]", prefix: "x-").isEmpty)
        #expect(problems("[tenant]", prefix: "godwit_").isEmpty)
        let found = ConfigurationLevelsTests.found("consumers: { a: { topic: t, metadata_headers: [b, c, b] } }")
        #expect(found.map(\.code) == [.headerRepeated])
    }

    @Test func `there is a bound`() {
        #expect(problems("[\((0..<65).map { "m\($0)" }.joined(separator: ","))]").count == 1)
        #expect(problems("[\((0..<64).map { "m\($0)" }.joined(separator: ","))]").isEmpty)
    }
}
