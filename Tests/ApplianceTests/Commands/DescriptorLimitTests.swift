import Foundation
import Glibc
import TestSupport
import Testing

@testable import Appliance

/// A relay whose process may have few file descriptors.
@Suite struct DescriptorLimitTests {
    /// With the soft and the hard limit of a shell; `S` lowers the soft one only.
    private func godwit(_ limits: String, _ environment: [String: String]) -> Command {
        let own = Command.godwit("run", environment: environment)
        var command = Command(
            "/bin/bash", ["-c", "\(limits); exec \"$0\" run", own.program], environment: own.environment)
        command.without = own.without
        return command
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["ulimit -n 12", "ulimit -n 8", "ulimit -n 40"])
    func `too few descriptors end the start, with what is needed and what there is`(_ limits: String) async throws {
        let environment = [
            "GODWIT_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
            "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "GODWIT_CONSUMERS_A_TOPIC": "a",
            "GODWIT_ADMIN_LISTEN": "127.0.0.1:0",
        ]
        let result = try await deadline { try await godwit(limits, environment).run() }
        #expect(result.exitCode == 78, "\(result.exitCode): \(result.standardError.suffix(600))")
        #expect(result.standardError.contains("file descriptors at most, and the limit is"))
        #expect(result.standardError.contains("raise it: ulimit -n "))
    }

    @Test(.timeLimit(.minutes(1)))
    func `so many consumers that 1,024 are too few end the start`() async throws {
        var environment = [
            "GODWIT_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
            "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        ]
        for number in 0..<200 { environment["GODWIT_CONSUMERS_C\(number)_TOPIC"] = "a" }
        let result = try await deadline { [environment] in try await godwit("ulimit -n 1024", environment).run() }
        #expect(result.exitCode == 78)
        #expect(result.standardError.contains("200 consumers and 1 broker need 1217 file descriptors at most"))
    }

    @Test(.timeLimit(.minutes(1)))
    func `the soft limit is raised to the hard one`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.append(5)
            let relay = try godwit("ulimit -Sn 12", place.variables).start()
            #expect(try await place.receive(ids).eventIDs.count == 5)
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    @Test func `the need grows with consumers and brokers`() throws {
        let one = DescriptorBudget(consumers: 1, brokers: 1, sessions: 5, hasAdminPort: false)
        let more = DescriptorBudget(consumers: 200, brokers: 3, sessions: 5, hasAdminPort: false)
        #expect(one.needed == 51 && more.needed == 2_599)
        var audited = one
        audited.audits = true
        #expect(audited.needed == one.needed + 4 * 5)
        try one.check(limit: 51)
        let failure = #expect(throws: Failure.self) { try one.check(limit: 50) }
        #expect(failure?.status == .configuration)
    }
}
