import Telemetry
import Testing

@Suite struct OutageReportsTests {
    private let start = ContinuousClock.now

    @Test func `an outage and its end are reported at once, and not again`() {
        var reports = OutageReports()
        #expect(reports.succeeded(now: start) == nil)
        #expect(reports.failed("away", now: start) == .away)
        #expect(reports.failed("away", now: start + .seconds(1)) == nil)
        #expect(reports.failed("refused", now: start + .seconds(60)) == .away)
        #expect(reports.succeeded(now: start + .seconds(61)) == .back)
        for second in 62..<100 { #expect(reports.succeeded(now: start + .seconds(second)) == nil) }
        #expect(reports.failed("away", now: start + .seconds(100)) == .away)
    }

    @Test func `outages that follow each other closely are counted, and reported once it has been well`() {
        var reports = OutageReports()
        var lines: [OutageReports.Report?] = []
        for round in 0..<40 {
            lines.append(reports.failed("away", now: start + .milliseconds(250 * round)))
            lines.append(reports.succeeded(now: start + .milliseconds(250 * round + 100)))
        }
        #expect(lines.compactMap(\.self) == [.away, .back])
        #expect(reports.succeeded(now: start + .seconds(19)) == nil)
        let end = Duration.milliseconds(250 * 39 + 100)
        #expect(
            reports.succeeded(now: start + end + OutageReports.steadyTime) == .recovered(times: 40, within: end))
        #expect(reports.succeeded(now: start + .seconds(40)) == nil)
        #expect(reports.failed("away", now: start + .seconds(41)) == .away)
    }

    @Test func `a new reason is reported, and the end of what was reported`() {
        var reports = OutageReports()
        #expect(reports.failed("away", now: start) == .away)
        #expect(reports.succeeded(now: start + .seconds(1)) == .back)
        #expect(reports.failed("away", now: start + .seconds(2)) == nil)
        #expect(reports.failed("refused", now: start + .seconds(3)) == .away)
        #expect(reports.succeeded(now: start + .seconds(4)) == .back)
        #expect(reports.succeeded(now: start + .seconds(20)) == nil)
    }

    @Test func `an outage among many that lasts is reported, and so is its end`() {
        var reports = OutageReports()
        #expect(reports.failed("away", now: start) == .away)
        #expect(reports.succeeded(now: start + .seconds(1)) == .back)
        #expect(reports.failed("away", now: start + .seconds(2)) == nil)
        #expect(
            reports.failed("away", now: start + .seconds(12)) == .stillAway(times: 2, within: .seconds(2)))
        #expect(reports.failed("away", now: start + .seconds(40)) == nil)
        #expect(reports.succeeded(now: start + .seconds(41)) == .back)
        #expect(reports.succeeded(now: start + .seconds(60)) == nil)
    }
}
