import Testing

@testable import Appliance

/// What the graphs draw.
@Suite struct FlowHistoryTests {
    private let bounds = [0.001, 0.01, 0.1]

    @Test func `points are the differences between totals, and bounded`() throws {
        var history = FlowHistory(bounds: bounds)
        let began = ContinuousClock.now
        for step in 0...FlowHistory.Span.hour.capacity * 4 {
            let totals = FlowHistory.Totals(events: Int64(step) * 50, latency: [UInt64(step) * 9, UInt64(step), 0, 0])
            history.note(totals, at: began + .seconds(5 * step))
        }
        let points = history.points(.hour)
        #expect(points.count == FlowHistory.Span.hour.capacity)
        let last = try #require(points.last)
        #expect(
            last.rate == 10 && last.median.map { $0 < 0.001 } == true
                && last.p99.map { $0 > 0.001 && $0 <= 0.01 } == true)
        #expect(history.points(.day).count == FlowHistory.Span.hour.capacity * 4 * 5 / 300)
        history.note(FlowHistory.Totals(events: 3, latency: [0, 0, 0, 0]), at: began + .seconds(100_000))
        #expect(
            history.points(.hour).last?.rate == 0 && history.points(.hour).last?.median == nil,
            "a restart is no negative rate")
    }

    @Test func `quantiles lie within the bucket that has them`() {
        #expect(FlowHistory.quantile(0.5, [0, 0, 0, 0], bounds) == nil)
        #expect(FlowHistory.quantile(0.5, [10, 0, 0, 0], bounds) == 0.0005)
        #expect(FlowHistory.quantile(0.99, [0, 0, 0, 5], bounds) == 0.1)
    }

    @Test func `scales are round, and labels say what was there`() {
        #expect(FlowGraph.niceTop(0) == 1 && FlowGraph.niceTop(37) == 50 && FlowGraph.niceTop(0.003) == 0.005)
        #expect(FlowGraph.niceTop(1_000) == 1_000 && FlowGraph.niceTop(.infinity) == 1)
        #expect(
            FlowGraph.seconds(0.0004) == "0.4 ms" && FlowGraph.seconds(0.25) == "250 ms"
                && FlowGraph.seconds(90) == "1 m 30 s")
        let empty = FlowGraph.html(nil, .hour, path: "/").text
        #expect(empty.contains("nothing has flowed here yet") && !empty.contains("NaN"))
    }
}
