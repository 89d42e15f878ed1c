import EventSourcing
import TestSupport

@testable import Consumers
@testable import KafkaBridge

/// One plan carried out: what is broken is healed at the end, all comes to rest, and what was delivered is compared with what was
/// committed.
struct History {
    let plan: Plan
    private(set) var violation: String?
    private(set) var steps = 0
    private(set) var trace: [String] = []

    private static let aggregates = 5
    /// How long it may take until everything is delivered after all is healed.
    private static let patience = 15_000

    init(_ plan: Plan) { self.plan = plan }

    mutating func run(isTracing: Bool = false) throws {
        let simulation = Simulation(seed: plan.seed)
        simulation.isTracing = isTracing
        simulation.isCalm = plan.isCalm
        let world = World(simulation, processes: plan.processes)
        try world.start()
        for entry in plan.entries {
            simulation.at(entry.time) {
                var random = Seeded(entry.seed)
                world.perform(entry.what, &random)
            }
        }
        simulation.run(until: Plan.length + 300)
        world.heal()
        let end = simulation.now + Self.patience
        while simulation.violation == nil, simulation.now < end, !world.isQuiet {
            world.operate()
            simulation.run(until: simulation.now + 150)
        }
        if simulation.violation == nil {
            if !world.isQuiet { simulation.violate("not everything came to rest: \(world.unrest)") }
            // Markers are still being written.
            simulation.run(until: simulation.now + 100)
            simulation.checkTopics()
        }
        for process in simulation.processes { process.kill() }
        simulation.executor.drain()
        (violation, steps, trace) = (simulation.violation, simulation.steps, simulation.trace)
        simulation.end()
    }

    /// The smallest plan found that fails too: entries are left out, many at a time first, while something may still never be.
    static func shrunk(_ plan: Plan, _ violation: String) throws -> Plan {
        let kind = kind(violation)
        var smallest = plan
        var size = max(1, plan.entries.count / 2)
        while true {
            var index = 0
            while index < smallest.entries.count {
                var less = smallest
                less.entries.removeSubrange(index..<min(index + size, less.entries.count))
                var history = History(less)
                try history.run()
                if history.violation.map(Self.kind) == kind { smallest = less } else { index += size }
            }
            if size == 1 { return smallest }
            size = max(1, size / 2)
        }
    }

    /// A violation without the numbers in it.
    private static func kind(_ violation: String) -> String {
        String(violation.filter { !$0.isNumber && $0 != "-" }.prefix(50))
    }

    /// What failed, as a schedule that can be read.
    static func report(_ plan: Plan, _ violation: String) throws -> String {
        let small = try shrunk(plan, violation)
        var history = History(small)
        try history.run(isTracing: true)
        return """
            seed \(plan.seed): \(violation)
            shrunk from \(plan.entries.count) to \(small.entries.count) entries: \
            \(history.violation ?? "it holds")
            \(small.description)
            --- what happened
            \(history.trace.joined(separator: "\n"))
            """
    }
}
