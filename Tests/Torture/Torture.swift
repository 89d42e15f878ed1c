import ArgumentParser
import Foundation
import TestSupport
import UnixSignals

/// Breaks servers, networks and processes around real relays by a schedule that a seed makes, and says whether what Godwit
/// promises held.
@main
struct Torture: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Runs relays between PostgreSQL and Kafka while everything around them breaks, and checks the account.",
        discussion: """
            A seed repeats the schedule: what is broken, in which order, for how long. It does not repeat the instant within a \
            process at which it strikes.
            """)

    @Option(help: "Makes the schedule; a new one each time when not given.")
    var seed: UInt64?

    @Option(help: "How long to break things.")
    var seconds = 60

    @Option(help: "How many relays run.")
    var relays = 3

    @Option(help: "How many writers write.")
    var writers = 4

    @Option(help: "Events a second, roughly.")
    var rate = 1_000

    @Option(name: .customLong("only"), help: "Only this disruption; may be repeated.")
    var only: [String] = []

    @Option(help: "The program; the one that was built beside this one when not given.")
    var program: String?

    func run() async throws {
        let seed = seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        var chosen: [Disruption] = []
        for name in only {
            guard let one = Disruption(rawValue: name) else {
                throw ValidationError(
                    "no disruption \"\(name)\"; there are \(Disruption.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            chosen.append(one)
        }
        let options = World.Options(
            relays: relays, program: program ?? Command.builtFolder + "/godwit", outside: TestKafka.outside)
        say("torture: seed \(seed), \(seconds) s, \(relays) relays, brokers \(options.outside ?? "embedded")")
        let only = chosen
        let violations = try await untilToldToEnd {
            try await World.with(options) { world in try await torture(world, seed, only) }
        }
        guard violations.isEmpty else {
            say("FAILED with seed \(seed):")
            for violation in violations { say("  \(violation)") }
            throw ExitCode(1)
        }
        say("passed: seed \(seed)")
    }

    /// Told to end it ends what it has started, too.
    private func untilToldToEnd(_ body: @escaping @Sendable () async throws -> [String]) async throws -> [String] {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        return try await withThrowingTaskGroup(of: [String].self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await signal in signals {
                    say("\(signal): ending everything")
                    return ["told to end before the time was over"]
                }
                // Cancelled, once the account is there.
                throw CancellationError()
            }
            defer { group.cancelAll() }
            let violations = try await group.next() ?? []
            group.cancelAll()
            while (try? await group.next()) != nil {}
            return violations
        }
    }

    private func torture(_ world: World, _ seed: UInt64, _ only: [Disruption]) async throws -> [String] {
        // Three events to a transaction on the average.
        let pace = Duration.seconds(3) * writers / max(1, rate)
        let account = Writers(world, seed: seed, pace: pace)
        // Two that know nothing of each other, so that one thing breaks while another does.
        let parts = [Array(0..<(relays + 1) / 2), Array((relays + 1) / 2..<relays)].filter { !$0.isEmpty }
        let nemeses = parts.enumerated().map { number, part in
            Nemesis(
                world, relays: part,
                Schedule(seed: seed &+ UInt64(number), isEmbedded: world.broker != nil, only: only))
        }
        let observer = Observer(world)
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await account.run(writers) }
            group.addTask { try await observer.run(from: start, until: end) }
            group.addTask {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for nemesis in nemeses { group.addTask { try await nemesis.run(until: end) } }
                    try await group.waitForAll()
                }
                account.stop()
            }
            try await group.waitForAll()
        }
        var mayDouble = false
        for nemesis in nemeses where await nemesis.mayDouble { mayDouble = true }
        var inspection = Inspection(world, account.account, allowsDuplicates: mayDouble)
        try await inspection.run(patience: .seconds(60))
        let kinds = account.account.transactions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        say("transactions: \(kinds.joined(separator: ", "))")
        for line in inspection.lines { say(line) }
        say("relays: \(await observer.usage)")
        for nemesis in nemeses {
            for trouble in await nemesis.troubles { say("not done: \(trouble.prefix(200))") }
        }
        return await observer.violations + inspection.violations
    }
}

/// A line that shows at once, also where the output is a file.
func say(_ line: String) { try? FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8)) }
