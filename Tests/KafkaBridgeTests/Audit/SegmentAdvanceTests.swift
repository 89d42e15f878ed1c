import Testing

@testable import KafkaBridge

@Suite struct SegmentAdvanceTests {
    private func moved(_ looks: [(lowest: Int64?, highest: Int64?)]) -> [Bool] {
        var progress = SegmentAdvance()
        return looks.map { progress.note(lowest: $0.lowest, highest: $0.highest) }
    }

    @Test func `segments that flow have all moved by the next look`() {
        #expect(moved([(95, 100), (195, 200), (295, 300), (500, 500), (500, 500)]) == [true, true, true, true, true])
    }

    @Test func `a segment that does not move while others move keeps an audit from having caught up`() {
        let looks: [(Int64?, Int64?)] = [(90, 100), (90, 200), (99, 300), (100, 400), (399, 400), (400, 400)]
        #expect(moved(looks) == [true, false, false, true, false, true])
    }

    @Test func `checkpoints that are set back begin anew`() {
        #expect(moved([(90, 100), (10, 20), (20, 30), (nil, nil)]) == [true, true, true, true])
    }
}
