/// A line of rates as inline SVG, without axes: the newest at the right, scaled to the highest.
enum Sparkline {
    private static let (width, height) = (120.0, 28.0)

    /// With the rate of the last look as a number.
    static func html(_ history: RateHistory?) -> HTML {
        let history = history ?? RateHistory()
        let label = "events per second over the last five minutes, at most \(rate(history.highest))"
        let points = points(history)
        return """
            <svg class="spark" viewBox="0 0 120 28" preserveAspectRatio="none" role="img" aria-label="\(label)">\
            <title>\(label)</title><line class="base" x1="0" y1="27.5" x2="120" y2="27.5"/>\
            \(points.isEmpty ? HTML.empty : path(points))</svg><span>\(rate(history.current))</span>
            """
    }

    private static func path(_ points: [String]) -> HTML {
        let line = points.joined(separator: " ")
        let first = points.first?.prefix { $0 != "," } ?? "0"
        return """
            <polygon class="area" points="\(String(first)),28 \(line) 120,28"/><polyline class="line" points="\(line)"/>
            """
    }

    private static func points(_ history: RateHistory) -> [String] {
        let (rates, highest) = (history.rates, max(history.highest, 1e-9))
        guard rates.count > 1, history.highest > 0 else { return [] }
        let step = width / Double(RateHistory.capacity - 1)
        return rates.enumerated().map { index, rate in
            let x = width - Double(rates.count - 1 - index) * step
            let y = height - 2 - rate / highest * (height - 4)
            return "\(tenths(x)),\(tenths(y))"
        }
    }

    private static func tenths(_ value: Double) -> String { String((value * 10).rounded() / 10) }

    /// `0`, `0.4`, `12`, `1,234`.
    static func rate(_ rate: Double) -> String {
        if rate > 0, rate < 10 { return String((rate * 10).rounded() / 10).replacing(".0", with: "") }
        return CountText.format(Int(min(rate, 1e15).rounded()))
    }
}
