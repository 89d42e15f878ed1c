extension ConsumerRunner {
    /// Brings the metrics up to date that say how far the consumer has come.
    @discardableResult func report(latest: Int64) -> ConsumerProgress {
        let (positions, halts) = state.withLedger { ($0.positions, $0.halts) }
        let standing = ConsumerProgress(segments: positions, latest: latest, halts: halts)
        metrics.stands(standing)
        return standing
    }

    func report() async {
        report(latest: await source.reader.snapshot().latest)
    }
}
