import Glibc
import KafkaBridge
import TestSupport
import Testing

@testable import Appliance

/// The reference pages say what the program does, since the program prints them, or since they are compared with it.
@Suite struct ReferencePageTests {
    private static func page(_ name: String) throws -> String {
        try Document.text("Sources/godwit/Documentation.docc/\(name).md")
    }

    @Test func `the page of exit codes is the one that the program prints`() throws {
        #expect(
            try Self.page("ExitCodes") == ExitStatus.markdown + "\n",
            "run: godwit exit-codes --markdown > Sources/godwit/Documentation.docc/ExitCodes.md")
    }

    @Test func `the page of headers is the one that the program prints`() throws {
        #expect(
            try Self.page("Headers") == HeaderReference.markdown + "\n",
            "run: godwit config headers > Sources/godwit/Documentation.docc/Headers.md")
    }

    /// The rows of the page: `| GET | `/api/status` | … |`.
    private static func requests() throws -> [(method: String, path: String)] {
        try page("API").split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            guard cells.count > 2, ["GET", "POST"].contains(cells[0]) else { return nil }
            return (cells[0], cells[1].replacing("`", with: ""))
        }
    }

    @Test func `the page of the admin port has each route of the API, and no other`() throws {
        let described = AdminRoute.allCases.filter {
            $0.template.hasPrefix("/api/") || [.health, .ready, .metrics].contains($0)
        }.map { "\($0.isPost ? "POST" : "GET") \($0.template)" }
        let named = try Self.requests().map { "\($0.method) \($0.path)" }
        #expect(named.count == Set(named).count && Set(named) == Set(described))
    }
}
