import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Appliance

/// Tables of known projects become sources, beside their writers, and nothing is lost.
@Suite struct AdoptTests {
    /// What was committed, by writer.
    private final class Written: Sendable {
        let numbers = Mutex<[Int: [Int]]>([:])
        let isDone = Atomic<Bool>(false)
    }

    /// Writes events of an aggregate in order; some transactions are rolled back, some stay open for a while.
    private static func write(
        _ table: AdoptedTable, _ place: SourceFixture, writer: Int, _ written: Written
    ) async throws {
        let connection = try await place.connect()
        var random = seeded("writer \(writer)")
        var number = writer * 100_000
        while !written.isDone.load(ordering: .relaxed) || number % 100_000 < 30 {
            let count = Int.random(in: 1...3, using: &random)
            let isRolledBack = Int.random(in: 0..<6, using: &random) == 0
            try await connection.execute(script: "BEGIN")
            let numbers = (1...count).map { number + $0 }
            for number in numbers { try await connection.execute(script: table.statement(writer, number)) }
            if Int.random(in: 0..<8, using: &random) == 0 {
                try await connection.execute(script: "SELECT pg_sleep(0.1)")
            }
            try await connection.execute(script: isRolledBack ? "ROLLBACK" : "COMMIT")
            number += count
            if !isRolledBack { written.numbers.withLock { $0[writer, default: []] += numbers } }
        }
        await connection.close()
    }

    @Test(.timeLimit(.minutes(4)), arguments: AdoptedTable.all)
    func `the table of a known project is adopted beside its writers, and carried without a loss`(
        _ table: AdoptedTable
    ) async throws {
        try await SourceFixture.with { place in
            try await place.execute(table.ddl)
            try place.configure("")
            // Old rows, then writers that go on through all of it.
            let old = 1..<40
            for number in old { try await place.execute(table.statement(number % 4, number)) }
            let written = Written()
            try await withThrowingTaskGroup { group in
                for writer in 10..<26 {
                    group.addTask {
                        try await Self.write(table, place, writer: writer, written)
                    }
                }
                var command = Command.godwit(environment: ["GODWIT_CONFIG": place.folder.path + "/godwit.yaml"])
                command.arguments =
                    ["adopt", "\(place.schema).\(table.table)", "--json", "--apply", "--online"] + table.arguments
                let adopted = try await command.run()
                try #require(adopted.exitCode == 0, "\(adopted.standardOutput)\(adopted.standardError)")
                let report = try JSONParser.parse(adopted.standardOutput)
                #expect(report["recognised"] == .string(table.recognised))
                guard case .string(let source)? = report["configuration"] else { return }
                try place.configure(source)
                try await place.migrate()
                let doctor = try await place.command("doctor", "--json")
                #expect(!doctor.standardOutput.contains("\"error\""), "\(doctor.standardOutput)")
                let first = try place.run()
                try await eventually("nothing comes") { try await place.kafka.readAll([place.topic]).count > 60 }
                first.send(SIGKILL)
                _ = await first.result()
                let relay = try place.run()
                written.isDone.store(true, ordering: .relaxed)
                try await group.waitForAll()
                let all = Set(old).union(written.numbers.withLock { $0.values.joined() })
                let records = try await place.receive(all.count)
                try Self.account(records, all, written.numbers.withLock { $0 }, table)
                let verified = try await place.command("verify", "--consumer", "all")
                #expect([0, 1].contains(verified.exitCode))
                #expect(
                    !verified.standardOutput.contains("missing") && !verified.standardOutput.contains("out of order"),
                    "\(verified.standardOutput)")
                try await place.stop(relay)
            }
            // Once more, and there is nothing to do.
            let again = try await place.command("adopt", "\(place.schema).\(table.table)")
            #expect(again.exitCode == 0 && again.standardOutput.contains("needs no change"), "\(again.standardOutput)")
        }
    }

    /// Each event once, apart from what was under way at the kill; in order per aggregate, old ones first.
    private static func account(
        _ records: [ConsumedRecord], _ all: Set<Int>, _ written: [Int: [Int]], _ table: AdoptedTable
    ) throws {
        var seen: Set<Int> = []
        var last: [Int: Int] = [:]
        for record in records {
            let type = try #require(record.header("event_type"))
            let number = try #require(Int(type.dropFirst()))
            guard seen.insert(number).inserted else { continue }
            guard table.hasAggregates else { continue }
            let aggregate = number < 1_000 ? number % 4 : number / 100_000
            #expect(last[aggregate, default: 0] < number, "\(table.name): \(number) after \(last[aggregate] ?? 0)")
            last[aggregate] = number
        }
        #expect(seen == all, "\(table.name): \(all.subtracting(seen).sorted().prefix(5)) are missing")
    }
}
