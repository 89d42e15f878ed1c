import Testing

@testable import Appliance

@Suite struct HTMLTests {
    private static let evil = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x", "</title><svg/onload=x>",
        "&lt;already&gt;", "a\u{202E}gpj.exe", "nul\u{0}\u{1B}[31m",
    ]

    @Test(arguments: evil)
    func `a value makes no markup, neither in text nor in an attribute`(value: String) {
        let html: HTML = "<p title=\"\(value)\">\(value)</p>"
        let text = html.text.dropFirst("<p title=\"".count).dropLast("</p>".count)
        #expect(text.count { $0 == "<" } == 0)
        #expect(text.count { $0 == "\"" } == 1 && text.count { $0 == ">" } == 1)
        #expect(!text.contains("'"))
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 || $0 == "\u{202E}" })
    }

    @Test func `what is HTML stays, numbers are written as they are, and lists are joined`() {
        let items: [HTML] = ["<li>1</li>", "<li>\(2)</li>"]
        let html: HTML = "<ul>\(items)</ul>\(HTML.empty)"
        #expect(html.text == "<ul><li>1</li><li>2</li></ul>")
        #expect(HTML.escape("&<>\"'") == "&amp;&lt;&gt;&quot;&#39;")
    }

    @Test func `what is between backticks is code, and escaped too`() {
        #expect(PageFrame.withCode("run `a <b>` now").text == "run <code>a &lt;b&gt;</code> now")
        #expect(PageFrame.withCode("one ` only").text == "one ` only")
    }
}

@Suite struct AdminTokenTests {
    @Test func `only the whole token matches`() {
        let token = AdminToken("hush")
        #expect(token?.matches("hush") == true)
        for wrong in [nil, "", "h", "hus", "hush ", "hushh", "Hush", "hush\u{0}"] {
            #expect(token?.matches(wrong) == false)
        }
        #expect(AdminToken(nil) == nil)
        #expect(AdminToken("") == nil)
    }
}

@Suite struct PercentCodingTests {
    @Test func `every name comes back, and what is malformed is nothing`() {
        for name in ["identity", "a b/c?d#e%f", "Überweisung", "..", "\u{0}\n", "🦆"] {
            let path = PercentCoding.encode(name)
            #expect(
                path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") })
            #expect(PercentCoding.decode(path) == name)
        }
        for wrong in ["%", "%4", "%zz", "%ff"] { #expect(PercentCoding.decode(wrong) == nil) }
        #expect(PercentCoding.decode("a+b") == "a+b")
        #expect(PercentCoding.decode("a+b", plusIsSpace: true) == "a b")
    }
}

@Suite struct RateHistoryTests {
    @Test func `rates are those between looks, and the oldest go first`() {
        let start = ContinuousClock.now
        var history = RateHistory()
        #expect(history.current == 0 && history.highest == 0)
        for (second, count) in [(0, 0), (5, 50), (10, 50), (12, 90)] {
            history.note(count, at: start + .seconds(second))
        }
        #expect(history.rates == [10, 0, 20] && history.current == 20 && history.highest == 20)
        for second in 0..<100 { history.note(90, at: start + .seconds(100 + second)) }
        #expect(history.rates.count == RateHistory.capacity && history.highest == 0)
        #expect(Sparkline.html(history).text.contains("at most 0"))
        #expect([0, 0.42, 5, 12.4, 1234].map { Sparkline.rate($0) } == ["0", "0.4", "5", "12", "1,234"])
    }
}
