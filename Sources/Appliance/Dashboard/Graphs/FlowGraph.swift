import Glibc

/// Throughput and latency over time as inline SVG, with its scale beside it as text. Pure.
enum FlowGraph {
    private static let (width, height) = (600.0, 120.0)

    /// Both graphs, for a span that links change.
    static func html(_ history: FlowHistory?, _ span: FlowHistory.Span, path: String) -> HTML {
        let points = history?.points(span) ?? []
        let links = FlowHistory.Span.allCases.map { other -> HTML in
            other == span
                ? "<span aria-current=\"true\">\(other.rawValue)</span>"
                : "<a href=\"\(path)?span=\(other.rawValue)\">\(other.rawValue)</a>"
        }
        return """
            <div class="graphs"><p class="spans">Of this process, over \(links)</p>
            \(figure(
                "Events per second", span, [("rate", points.map { Double($0.rate) })],
                points.last.map { Sparkline.rate(Double($0.rate)) } ?? "–", Sparkline.rate))
            \(figure(
                "Latency, p50 and p99", span,
                [("p99", points.map { $0.p99.map(Double.init) }), ("median", points.map { $0.median.map(Double.init) })],
                latency(points.last), seconds, isLogarithmic: true))
            </div>
            """
    }

    private static func latency(_ point: FlowHistory.Point?) -> String {
        guard let median = point?.median, let p99 = point?.p99 else { return "–" }
        return "\(seconds(Double(median))), \(seconds(Double(p99)))"
    }

    private static func figure(
        _ title: String, _ span: FlowHistory.Span, _ series: [(String, [Double?])], _ now: String,
        _ format: (Double) -> String, isLogarithmic: Bool = false
    ) -> HTML {
        let highest = series.flatMap(\.1).compactMap(\.self).max() ?? 0
        let top = niceTop(highest)
        let hasPoints = highest > 0 || series.contains { $0.1.contains { $0 != nil } }
        let label =
            hasPoints ? "\(title) over \(span.words): now \(now), at most \(format(highest))" : "\(title): nothing yet"
        let lines = series.map { kind, values -> HTML in
            let paths = paths(values, span) { isLogarithmic ? logarithm($0, top) : $0 / top }
            let area: HTML = kind == "rate" ? paths.area.map { "<path class=\"area\" d=\"\($0)\"/>" } ?? .empty : .empty
            return "\(area)<path class=\"line \(kind)\" d=\"\(paths.line)\"/>"
        }
        return """
            <figure><figcaption>\(title) <strong>\(now)</strong></figcaption>
            <div class="plot"><span class="top">\(hasPoints ? format(top) : "")</span>\
            <svg viewBox="0 0 600 120" preserveAspectRatio="none" role="img" aria-label="\(label)"><title>\(label)</title>\
            <path class="grid" d="M0 .5H600M0 60H600M0 119.5H600"/>\(lines)</svg>\
            \(isLogarithmic && hasPoints ? "<span class=\"bottom\">\(format(lowest))</span>" : HTML.empty)\
            \(hasPoints ? HTML.empty : "<span class=\"nothing\">nothing has flowed here yet</span>")</div>
            <p class="axis"><span>\(span.words) ago</span><span>now</span></p></figure>
            """
    }

    /// The newest at the right; a gap where nothing was measured.
    private static func paths(
        _ values: [Double?], _ span: FlowHistory.Span, _ part: (Double) -> Double
    ) -> (line: String, area: String?) {
        let step = width / Double(span.capacity - 1)
        var line = ""
        var isDrawing = false
        var ends: (first: Double, last: Double)?
        for (index, value) in values.enumerated() {
            guard let value else {
                isDrawing = false
                continue
            }
            let x = width - Double(values.count - 1 - index) * step
            let y = height - 1 - min(1, max(0, part(value))) * (height - 3)
            line += "\(isDrawing ? "L" : "M")\(tenths(x)) \(tenths(y))"
            // A single point shows as a dot.
            if !isDrawing { line += "h.1" }
            isDrawing = true
            ends = (ends?.first ?? x, x)
        }
        guard let ends, !values.contains(where: { $0 == nil }) else { return (line, nil) }
        return (line, line + "L\(tenths(ends.last)) 120L\(tenths(ends.first)) 120Z")
    }

    /// Where the scale of a latency begins, in seconds: times of milliseconds and of minutes are to be seen in one picture.
    private static let lowest = 0.000_5

    private static func logarithm(_ value: Double, _ top: Double) -> Double {
        log(max(value, lowest) / lowest) / log(max(top, 2 * lowest) / lowest)
    }

    /// The next of 1, 2 and 5 times a power of ten.
    static func niceTop(_ highest: Double) -> Double {
        guard highest > 0, highest.isFinite else { return 1 }
        var power = 1.0
        while power * 10 <= highest, power < 1e15 { power *= 10 }
        while power > highest, power > 1e-6 { power /= 10 }
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= highest } ?? highest
    }

    private static func tenths(_ value: Double) -> String {
        let text = String((value * 10).rounded() / 10)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// `0.8 ms`, `12 ms`, `1.5 s`, `3 m 5 s`.
    static func seconds(_ value: Double) -> String {
        if value < 0.001 { return "\(tenths(value * 1_000)) ms" }
        if value < 0.01 { return "\(tenths(value * 1_000)) ms" }
        if value < 1 { return "\(Int((value * 1_000).rounded())) ms" }
        return AgeText.format(.seconds(min(value, 1e9)))
    }
}
