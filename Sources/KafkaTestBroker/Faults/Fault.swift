/// Something that goes wrong on purpose, with the requests it is aimed at.
///
/// ```swift
/// // The second batch that comes for the topic is written, but its answer is lost with the connection.
/// await broker.inject(Fault(.dropAnswer, on: .produce, topic: "orders", skip: 1, count: 1))
/// ```
public struct Fault: Sendable, Hashable {
    /// What happens to a request.
    public enum Action: Sendable, Hashable {
        /// Nothing is done; the answer carries the error.
        case refuse(KafkaErrorCode)
        /// The request takes effect; the answer carries the error all the same. For Produce and EndTxn.
        case applyThenRefuse(KafkaErrorCode)
        /// The request takes effect; then the connection ends without an answer.
        case dropAnswer
        /// The request takes effect; then the connection stays open and silent.
        case hang
        /// The connection ends before the request takes effect.
        case disconnect
        /// The request takes effect; then the connection ends in the middle of the answer.
        case disconnectMidFrame
        /// The request is handled later.
        case delay(Duration)
        /// The request is handled; the client is told to slow down, and not read from for so long.
        case throttle(Duration)
    }

    /// What happens.
    public var action: Action
    /// The kind of request it happens to; nil for all.
    public var request: RequestKind?
    /// The topic the request must name; nil for any.
    public var topic: String?
    /// The partition the request must name; nil for any.
    public var partition: Int32?
    /// The node the request must come to; nil for any.
    public var node: Int32?
    /// Matching requests to let pass first.
    public var skip: Int
    /// Matching requests it happens to after those; nil for all until the fault is removed.
    public var count: Int?

    /// A fault for the requests that match all that is given.
    public init(
        _ action: Action, on request: RequestKind? = nil, topic: String? = nil, partition: Int32? = nil,
        node: Int32? = nil, skip: Int = 0, count: Int? = nil
    ) {
        self.action = action
        self.request = request
        self.topic = topic
        self.partition = partition
        self.node = node
        self.skip = skip
        self.count = count
    }
}
