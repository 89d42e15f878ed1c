extension ConsumerLoop {
    /// Brings the metrics up to date that say how far the consumer has come.
    @discardableResult func report(latest: Int64) -> ConsumerStanding {
        let standing = ConsumerStanding(segments: state.withLedger { $0.positions }, latest: latest)
        metrics.stands(standing)
        return standing
    }

    func report() async {
        report(latest: await source.horizon.latest)
    }
}
