import Glibc
import TestSupport
import Testing

@testable import Appliance

/// Standard error that nobody reads, or that is closed, holds nothing up.
@Suite struct StuckReaderTests {
    @Test func `a queue keeps what fits, drops and counts the rest, and says so once it is read`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let queue = LineQueue(descriptor: ends[1], limit: 10_000)
        let line = String(repeating: "x", count: 999) + "\n"
        // Until the pipe is full.
        repeat { queue.write(line) } while queue.flush(within: .milliseconds(50))
        for _ in 0..<100 { queue.write(line) }
        #expect((89...91).contains(queue.dropped))

        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !text.contains("log lines were dropped") {
            let count = read(ends[0], &buffer, buffer.count)
            try #require(count > 0)
            text += String(decoding: buffer[..<count], as: UTF8.self)
            queue.write("more\n")
        }
        close(ends[0])
    }

    /// Runs a relay whose standard error is what the shell makes it, until the events are in the topic; then stops it.
    private func deliver(standardError redirection: String, _ place: RelayFixture) async throws {
        // Each read of the log at this level is a line, so that the pipe is full at once.
        let environment = place.variables.merging(["GODWIT_LOG_LEVEL": "trace"]) { $1 }
        let program = Command.godwit().program
        let relay = try Command(
            "/bin/bash", ["-c", "\(program) run \(redirection) & echo $!; wait $!; echo ended with $?"],
            environment: environment
        ).start()
        var ids = try await place.append(50)
        _ = try await place.receive(ids)
        ids.formUnion(try await place.append(50, from: 50))
        _ = try await place.receive(ids)
        try await eventually("the shell names no process") { relay.standardOutput.contains("\n") }
        let process = try #require(relay.standardOutput.split(separator: "\n").first.flatMap { pid_t($0) })
        kill(process, SIGTERM)
        let result = try await deadline { await relay.result() }
        #expect(result.standardOutput.contains("ended with 0"), "\(result.standardOutput)")
    }

    @Test(.timeLimit(.minutes(2)))
    func `a relay whose standard error nobody reads delivers, and stops when told to`() async throws {
        try await RelayFixture.with { place in
            // `sleep` has the pipe's other end, and never reads.
            try await deliver(standardError: "2> >(exec sleep 30 >/dev/null)", place)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["2>&-", "2>/dev/full", "2> >(exec true >/dev/null)"])
    func `a relay whose standard error is closed or full delivers, and stops when told to`(
        _ redirection: String
    ) async throws {
        try await RelayFixture.with { place in try await deliver(standardError: redirection, place) }
    }
}
