import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// The values that decide, wired together as a relay wires them, against a simulated database, brokers, network and clock: no I/O, no
/// real time, one seed for everything.
///
/// To run a failure again: `GODWIT_SEED=… swift test --filter SimulationTests`; the failing seed is in the message, with the smallest
/// plan that fails and what happened in it. `GODWIT_SIMULATIONS` says how many histories are run.
///
/// To add a fault: a case in ``Plan/What``, listed in ``Plan/What/faults`` (as often as it is to be drawn), and what it does in
/// ``World/perform(_:_:)``. What undoes it at the end is in ``World/heal()``, what an operator has to do about it in
/// ``World/operate(always:)``. Whatever is random in it comes from the generator it is given, so that leaving other entries out of a
/// plan changes nothing of it. What may never be is looked at in `Simulation+Checks.swift`.
///
/// To see that a guard is found: switch it off, run the suite, and see the seed.
@Suite struct SimulationTests {
    private static let count = ProcessInfo.processInfo.environment["GODWIT_SIMULATIONS"].flatMap { Int($0) } ?? 250
    /// So many histories are one test.
    private static let portion = 25

    @Test(arguments: stride(from: 0, to: count, by: portion).map { $0 })
    func `nothing is lost, doubled or overtaken, whatever breaks`(_ start: Int) throws {
        let began = clock()
        var steps = 0
        for seed in Self.all[start..<min(start + Self.portion, Self.count)] {
            let plan = Plan(seed: seed)
            var history = History(plan)
            try history.run()
            steps += history.steps
            if let violation = history.violation {
                Issue.record("\(try History.report(plan, violation))")
                break
            }
        }
        let time = Double(clock() - began) / Double(CLOCKS_PER_SEC)
        print("simulated \(steps) steps in \(time) s of processor time")
    }

    /// The same seeds each time, but where others are asked for.
    private static let all =
        ProcessInfo.processInfo.environment["GODWIT_SEED"] == nil
        ? (0..<UInt64(count)).map { 4_000 + $0 } : seeds(count, of: "simulations")
}
