import NIOCore

/// One request on its way to an answer.
final class RequestContext {
    /// What goes back to the client.
    enum Reply {
        case frame([ByteBuffer])
        /// Nothing: the request wants no answer, or a fault swallows it.
        case nothing
        case close
        /// The first half, then the end of the connection.
        case half([ByteBuffer])
        /// Nothing any more, on a connection that stays open.
        case silence
    }

    let header: RequestHeader
    let connection: Connection
    /// Told to the client, and kept by not reading from it for so long.
    var throttleMilliseconds: Int32 = 0
    /// Errors that faults put in place of the request's effect.
    var injectedErrors: [InjectedError] = []
    /// What a fault makes of the answer.
    var ending = FaultTable.Ending.answer
    /// What faults want of the markers that the request has written.
    var markerTiming = MarkerTiming()
    /// What is done behind the answer.
    var afterReply: (() -> Void)?
    private var finish: Finish?

    /// Takes the reply, and for how many milliseconds the connection rests after it.
    typealias Finish = (_ reply: Reply, _ rest: Int32) -> Void

    init(header: RequestHeader, connection: Connection, finish: @escaping Finish) {
        self.header = header
        self.connection = connection
        self.finish = finish
    }

    var version: Int16 { header.format.version }

    /// The error a fault wants for this partition, or for the request as a whole.
    func injectedError(_ partition: TopicPartition? = nil) -> KafkaErrorCode? {
        error(partition, afterEffect: false)
    }

    /// The error a fault wants in the answer although the request has taken effect.
    func errorAfterEffect(_ partition: TopicPartition? = nil) -> KafkaErrorCode? {
        error(partition, afterEffect: true)
    }

    /// Refuses what a fault wants refused of a topic as a whole.
    func checkFault(topic: String) throws(Refusal) {
        if let code = injectedError(.init(topic: topic, partition: -1)) {
            throw Refusal(code, "a fault refuses the request")
        }
    }

    private func error(_ partition: TopicPartition?, afterEffect: Bool) -> KafkaErrorCode? {
        if injectedErrors.isEmpty { return nil }
        return injectedErrors.first {
            $0.isAfterEffect == afterEffect
                && ($0.partition == nil || partition == nil || $0.partition == partition)
        }?.code
    }

    /// Answers with a response that has an error or none.
    func reply(_ response: some ErrorAnswer) {
        var response = response
        response.error = known(response.error)
        send(response)
    }

    func reply(_ response: some Message) { send(response) }

    /// The code by which a client of this version knows that it is fenced.
    func known(_ code: KafkaErrorCode) -> KafkaErrorCode {
        code == .producerFenced && version < header.api.fencing ? .invalidProducerEpoch : code
    }

    private func send(_ response: some Message) {
        var response = response
        var wire = header.responseWriter()
        wire.throttleMilliseconds = throttleMilliseconds
        wire(&response)
        var pieces = wire.finish()
        let size = pieces.reduce(0) { $0 + $1.readableBytes }
        pieces[0].setInteger(Int32(truncatingIfNeeded: size - 4), at: pieces[0].readerIndex)
        complete(.frame(pieces))
    }

    /// Ends the request; only the first call counts.
    func complete(_ reply: Reply) {
        let finish = self.finish
        self.finish = nil
        finish?(shape(reply), throttleMilliseconds)
        afterReply?()
        afterReply = nil
    }

    private func shape(_ reply: Reply) -> Reply {
        switch (ending, reply) {
        case (.answer, _), (_, .close): reply
        case (.drop, _): .close
        case (.hang, _): .silence
        case (.midFrame, .frame(let pieces)): .half(pieces)
        case (.midFrame, _): .close
        }
    }
}
