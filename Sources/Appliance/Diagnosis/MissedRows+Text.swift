import Consumers

extension MissedRows {
    /// What happened, and what to do, for people.
    func sentence(of consumer: String) -> String {
        let count = positions == 1 ? "1 position was" : "\(CountText.format(positions)) positions were"
        return
            "\(count) removed by retention before \(consumer) had them, \(range): what was there cannot be published from "
            + "here any more; once that is understood: `godwit accept-source --consumer \(consumer) --keep-checkpoints --yes`"
    }

    private var range: String {
        positions == 1 ? CountText.format(through) : "\(CountText.format(after + 1)) to \(CountText.format(through))"
    }

    var json: JSONValue {
        ["from_position": .number(after + 1), "to_position": .number(through), "positions": .number(positions)]
    }
}
