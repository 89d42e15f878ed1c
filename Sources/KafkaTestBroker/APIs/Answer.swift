/// A response, or a part of one, with an error or none.
protocol ErrorAnswer: Message {
    var error: KafkaErrorCode { get set }
}

extension ErrorAnswer {
    /// What is made, or the error that is thrown meanwhile.
    static func made(_ make: () throws(KafkaErrorCode) -> Self) -> Self {
        do throws(KafkaErrorCode) {
            return try make()
        } catch {
            var answer = Self()
            answer.error = error
            return answer
        }
    }
}

/// What a response says of one partition. A new one has no error, and -1 for what is not known.
protocol PartitionAnswer: ErrorAnswer {
    var index: Int32 { get set }
}

/// The answer where there is nothing to say but whether it went well.
struct PartitionOutcome: PartitionAnswer {
    var index: Int32 = 0
    var error = KafkaErrorCode.none

    mutating func fields(_ wire: inout Coder) { wire(&index, &error) }
}

/// A response with an answer to each item of the request.
struct ListResponse<Answer: Field>: Message {
    var answers: [Answer] = []

    mutating func fields(_ wire: inout Coder) {
        wire.throttleTime()
        wire(&answers)
    }
}

/// A response with nothing but an error, or none.
struct ErrorResponse: ErrorAnswer {
    var error = KafkaErrorCode.none

    mutating func fields(_ wire: inout Coder) {
        wire.throttleTime()
        wire(&error)
    }
}

/// A node and where it listens.
struct NodeAddress: Message {
    var id: Int32 = 0
    var host = ""
    var port: Int32 = 0

    mutating func fields(_ wire: inout Coder) {
        wire(&id, &host, &port)
        wire.unused("rack", String?.none, 1...)
    }
}

/// The leader that a client should ask instead.
struct Leader: Message {
    var node: Int32 = -1
    var epoch: Int32 = -1

    mutating func fields(_ wire: inout Coder) { wire(&node, &epoch) }
}

/// A request, or part of one, that is refused, with what a person can read.
struct Refusal: Error {
    let code: KafkaErrorCode
    let message: String
    /// The records that are wrong.
    var recordIndexes: [Int32] = []

    init(_ code: KafkaErrorCode, _ message: String, recordIndexes: [Int32] = []) {
        self.code = code
        self.message = message
        self.recordIndexes = recordIndexes
    }
}
