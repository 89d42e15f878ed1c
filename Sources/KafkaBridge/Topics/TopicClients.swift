import Kafka
import Logging

/// Lends clients that ask about topics, each for a single use: no more at a time than ``AsyncSemaphore/topicClients`` allows.
enum TopicClients {
    /// - Throws: what the body throws; `.timedOut` if the task is cancelled before there is room.
    static func withAdmin<Value: Sendable>(
        _ client: ClientConfiguration, logger: Logger,
        _ body: @Sendable (Admin) async throws(KafkaError) -> Value
    ) async throws(KafkaError) -> Value {
        do {
            return try await AsyncSemaphore.topicClients.withRoom { try await Admin.with(client, logger: logger, body) }
        } catch {
            throw kafkaError(error)
        }
    }

    /// - Throws: what the body throws; `.timedOut` if the task is cancelled before there is room.
    static func withReader<Value: Sendable>(
        _ client: ClientConfiguration, _ isolation: IsolationLevel, logger: Logger,
        _ body: (Reader) async throws(KafkaError) -> Value
    ) async throws(KafkaError) -> Value {
        do {
            return try await AsyncSemaphore.topicClients.withRoom {
                let reader = try Reader(client, isolation: isolation, logger: logger)
                let result: Result<Value, KafkaError>
                do throws(KafkaError) { result = .success(try await body(reader)) } catch { result = .failure(error) }
                await reader.close()
                return try result.get()
            }
        } catch {
            throw kafkaError(error)
        }
    }

    private static func kafkaError(_ error: any Error) -> KafkaError {
        error as? KafkaError ?? KafkaError(.timedOut, message: "Looking at topics was cancelled")
    }
}
