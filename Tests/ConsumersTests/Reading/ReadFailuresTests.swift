import Testing

@testable import Consumers

@Suite struct ReadFailuresTests {
    private let start = ContinuousClock.now

    @Test func `sessions that end before a look succeeds are one failure`() {
        var failures = ReadFailures()
        for second in 0..<7 {
            failures.failed("ended", now: start + .seconds(second))
            failures.rested(now: start + .seconds(second) + .milliseconds(100))
            failures.looking(now: start + .seconds(second) + .milliseconds(200))
        }
        #expect(failures.problem(now: start + .seconds(4)) == nil)
        let problem = failures.problem(now: start + .seconds(7))
        #expect(problem?.sentence == "nothing could be read for 7 s: ended" && problem?.isRefusal == false)
        failures.succeeded()
        #expect(failures.problem(now: start + .seconds(20)) == nil)
    }

    @Test func `a session that lives on with nothing to look for ends it, a look that does not end does not`() {
        var failures = ReadFailures()
        failures.failed("ended", now: start)
        failures.looking(now: start + .seconds(1))
        #expect(failures.problem(now: start + .seconds(60)) != nil)
        failures.rested(now: start + .seconds(60))
        failures.rested(now: start + .seconds(64))
        #expect(failures.problem(now: start + .seconds(64)) != nil)
        #expect(failures.problem(now: start + .seconds(66)) == nil)
        failures.looking(now: start + .seconds(67))
        failures.failed("ended", now: start + .seconds(68))
        #expect(failures.problem(now: start + .seconds(70)) == nil)
    }
}
