import EventSourcing

extension FeedBatch {
    /// Takes the first events to be handled off the batch, with everything up to the last of them; all that is left if
    /// there are no more than that.
    mutating func takeFirst(_ count: Int) -> FeedBatch {
        guard count < selection.count, let events, count > 0 else {
            let all = self
            self = selecting([])
            return all
        }
        let first = FeedBatch(
            events: events, selection: Array(selection.prefix(count)),
            through: events[selection[count - 1].index].globalPosition)
        self = selecting(Array(selection.dropFirst(count)))
        return first
    }
}
