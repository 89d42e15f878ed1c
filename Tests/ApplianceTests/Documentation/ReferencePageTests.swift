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

    @Test func `what the page lets change is what can be changed`() throws {
        let posts = try Self.requests().filter { $0.method == "POST" }.map(\.path)
        #expect(posts.count > 8)
        for path in posts {
            let parts = path.replacing("NAME", with: "identity").replacing("POSITION", with: "7").split(separator: "/")
            #expect(AdminActions.isAction(parts.map(String.init)), "\(path)")
        }
        for action in AdminActions.JobAction.allCases {
            #expect(posts.contains("/api/jobs/NAME/\(action.rawValue)"), "\(action)")
        }
    }

    @Test(.timeLimit(.minutes(2))) func `what the page lets a reader ask for is answered`() async throws {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let relay = try place.run(admin.variables)
            try await admin.wait(for: 200, at: "/readyz")
            let gets = try Self.requests().filter { $0.method == "GET" }.map(\.path)
            #expect(gets.count > 5)
            for path in gets {
                let answer = try await admin.get(path.replacing("NAME", with: "identity"))
                // A job that is not there is another matter than a path that is not there.
                #expect(answer.status == 200 || answer.body.contains("no job"), "\(path): \(answer.body)")
            }
            #expect(try await admin.get("/nothing").status == 404)
            await end(relay)
        }
    }

    private func end(_ relay: RunningCommand) async {
        relay.send(SIGTERM)
        #expect(await relay.result().exitCode == 0)
    }
}
