package import KafkaTestBroker

/// Random numbers that are the same in every run and on every machine, so that a failing seed can be run again.
package typealias Seeded = SplitMix

extension SplitMix {
    /// The numbers of this seed.
    package init(_ seed: UInt64) { self.init(state: seed) }
}
