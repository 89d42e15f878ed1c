import Testing

@testable import Appliance

@Suite struct MetadataHeadersTests {
    private func problems(_ names: String) -> [String] {
        ConfigurationFileTests.problems("consumers: { a: { topic: t, metadata_headers: \(names) } }", needs: [])
    }

    @Test func `members of one's own become headers`() {
        #expect(problems("[tenant, user-id, X-Request]").isEmpty)
    }

    @Test(arguments: ["[event_id]", "[ce_type]", "[\"a\\nb\"]", "[metadata_left_out]"])
    func `a name that is taken or none is refused`(_ names: String) {
        #expect(problems(names).count == 1)
    }

    @Test func `there is a bound`() {
        #expect(problems("[\((0..<65).map { "m\($0)" }.joined(separator: ","))]").count == 1)
        #expect(problems("[\((0..<64).map { "m\($0)" }.joined(separator: ","))]").isEmpty)
    }
}
