/// An integration consumer that knows what its records take, and which it could never carry.
package protocol SizedConsumer: IntegrationConsumer {
    /// What it keeps for the events of a batch until they are acknowledged, beside the batch, in bytes of memory.
    func memory(of batch: FeedBatch) -> Int

    /// Events with larger payloads may come without them, see ``EventView/withheldBytes``. Asked before each read.
    var largestPayload: Int { get }
}
