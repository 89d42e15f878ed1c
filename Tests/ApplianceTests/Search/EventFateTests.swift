import Testing

@testable import Appliance
@testable import KafkaBridge

/// What became of an event, and what is only not known.
@Suite struct EventFateTests {
    private func fate(
        at position: Int64 = 7, _ reason: EventPreview.Reason? = nil, checkpoint: Int64?, isSeen: Bool = true,
        knowsLetters: Bool = true
    ) -> EventFate {
        EventFate.decide(
            position, reason, letter: nil, checkpoint: checkpoint, state: "flowing", isSeen: isSeen,
            knowsLetters: knowsLetters)
    }

    @Test func `while the database was not seen, no consumer is never started, and none waits at 0`() {
        for checkpoint in [nil, 0, 6] as [Int64?] {
            let fate = fate(checkpoint: checkpoint, isSeen: false)
            #expect(fate.kind == .unknown && fate.title == "not known" && !fate.text.contains("0"))
            #expect(fate.tone.isEmpty)
        }
        // What the process has itself acknowledged it knows without the database.
        #expect(fate(checkpoint: 7, isSeen: false).kind == .delivered)
        #expect(fate(checkpoint: nil).kind == .notStarted && fate(checkpoint: nil).title == "not started")
        #expect(fate(checkpoint: 6).kind == .waiting && fate(checkpoint: 7).kind == .delivered)
    }

    @Test func `without the records of failures nothing is called delivered`() {
        let fate = fate(checkpoint: 9, knowsLetters: false)
        #expect(fate.kind == .passed && fate.tone != "good" && fate.text.contains("the checkpoint is behind it, at 9"))
        #expect(self.fate(checkpoint: 6, knowsLetters: false).kind == .waiting)
        let outside = EventPreview.Reason(code: EventPreview.Reason.outsideScope, text: "outside")
        #expect(self.fate(outside, checkpoint: nil, isSeen: false, knowsLetters: false).kind == .notTaken)
    }
}
