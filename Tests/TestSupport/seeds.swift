import FoundationEssentials

/// Seeds for generated tests: new ones in each run, so that the runs add up.
///
/// A failure names its seed. With `GODWIT_SEED` set to that, it is the first one of the next run.
package func seeds(_ count: Int, of what: String) -> [UInt64] {
    let given = ProcessInfo.processInfo.environment["GODWIT_SEED"].flatMap { UInt64($0) }
    let first = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
    print("seeds of \(what): \(count) from \(first)")
    return (0..<UInt64(count)).map { first &+ $0 }
}

/// Random numbers of a test, by a new seed in each run that is printed, and that `GODWIT_SEED` gives back.
package func seeded(_ what: String) -> Seeded { Seeded(seeds(1, of: what)[0]) }
