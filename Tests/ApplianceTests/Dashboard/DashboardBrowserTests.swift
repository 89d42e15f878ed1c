import EventSourcing
import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

/// The dashboard as a browser has it.
@Suite(.inBrowser, .serialized) struct DashboardBrowserTests {
    private func with(_ body: (RelayFixture, AdminPort, Browser) async throws -> Void) async throws {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let relay = try place.run(
                ["GODWIT_ADMIN_TOKEN": "hush", "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms"]
                    .merging(admin.variables) { $1 })
            try await admin.wait(for: 200, at: "/readyz")
            _ = try await place.receive(try await place.append(60))
            try await park(place)
            try await Browser.with { try await body(place, admin, $0) }
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    /// As hostile as events can be.
    private func park(_ place: RelayFixture) async throws {
        let connection = try await place.test.connect()
        try await connection.execute(
            script: """
                INSERT INTO "\(place.test.tables.godwitSchema)".dead_letters (consumer_name, global_position, segment_id,
                    event_id, event_type, bounded_context, aggregate_type, aggregate_id, aggregate_version, state,
                    is_cause, reason, error)
                VALUES ('identity', 7, 0, gen_random_uuid(), '<script>document.title = "owned"</script>', 'Identity',
                    'User', '"><img src=x onerror="document.title = ''owned''">', 1, 'parked', true, 'too_large',
                    '</p><style>* { display: none }</style><b>big</b>')
                """)
        await connection.close()
    }

    @Test(.timeLimit(.minutes(3)))
    func `the overview shows every consumer and keeps itself up to date, within its own policy`() async throws {
        try await with { place, admin, browser in
            let page = try await browser.open("http://127.0.0.1:\(admin.port)/", for: 12_000)
            #expect(page.dom.contains("<a href=\"/consumers/identity\">identity</a>"))
            #expect(page.dom.contains("<span class=\"badge bad\">parked</span>"))
            #expect(page.dom.contains("this process"))
            // Set by the script after each answer.
            #expect(page.dom.firstMatch(of: #/<html [^>]*data-refreshed="[1-9]"/#) != nil, "\(page.dom.prefix(300))")
            #expect(page.dom.firstMatch(of: #/<span id="freshness"[^>]*>Updated [0-9]/#) != nil)
            #expect(page.console.isEmpty, "\(page.console)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a consumer's page shows what is parked as text, and no event can put anything else there`() async throws {
        try await with { place, admin, browser in
            let page = try await browser.open("http://127.0.0.1:\(admin.port)/consumers/identity", for: 6_000)
            #expect(page.dom.contains("<title>identity · Godwit</title>"))
            #expect(page.dom.contains("&lt;script&gt;document.title"))
            #expect(!page.dom.contains("<img") && !page.dom.contains("<style>") && !page.dom.contains("<b>"))
            #expect(page.dom.matches(of: #/<script/#).count == 1)
            #expect(page.dom.contains("formaction=\"/api/consumers/identity/parked/7/redrive\""))
            #expect(page.dom.contains("data-confirm=\"Discard the event at position 7?"))
            #expect(page.dom.matches(of: #/<tr><th scope="row">/#).count == 4)
            #expect(page.console.isEmpty, "\(page.console)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `both pages are drawn at the width of a phone and of a desk, in light and dark`() async throws {
        try await with { place, admin, browser in
            for (name, path) in [("overview", "/"), ("consumer", "/consumers/identity")] {
                for width in [390, 1280] {
                    let url = "http://127.0.0.1:\(admin.port)\(path)"
                    let light = try await browser.picture(url, name: name, width: width, height: 1100, isDark: false)
                    let dark = try await browser.picture(url, name: name, width: width, height: 1100, isDark: true)
                    // PNG: the width is at a fixed place, and an empty page is a few kilobytes.
                    let drawn = light[16..<20].reduce(0) { $0 << 8 | Int($1) }
                    #expect(drawn == width && light.count > 20_000)
                    #expect(light != dark)
                }
            }
        }
    }
}
