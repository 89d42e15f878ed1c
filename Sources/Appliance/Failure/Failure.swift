import Consumers
import EventSourcing
import Kafka
import KafkaBridge
import LocalPostgres
import Postgres

/// An error as a person gets to see it: one line, and the exit status it leads to.
package struct Failure: Error, Sendable, CustomStringConvertible {
    package let status: ExitStatus
    /// What happened and what to do; may have several lines where several things are wrong.
    package let message: String

    package var description: String { message }

    package init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// For programs, as a command that was asked for JSON reports it.
    package var json: JSONValue {
        [
            "error": [
                "exit_code": .number(Int(status.rawValue)), "code": .string(status.name), "message": .string(message),
            ]
        ]
    }

    /// Sorts any error into its status.
    package init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as ConfigurationError: self.init(.configuration, error.description)
        case let error as PostgresError: self.init(Self.status(of: error), error.description)
        case let error as EventStoreError: self.init(error)
        case let error as KafkaError: self.init(Self.status(of: error), error.description)
        case let error as SourceError: self.init(error)
        case WorkerError.ownedElsewhere: self.init(.ownedElsewhere, "\(error)")
        case let error as WorkerError: self.init(.databaseUnfit, error.description)
        case let error as JobError: self.init(Self.status(of: error), error.description)
        case let error as VerificationError: self.init(.configuration, error.description)
        case let error as ResegmentationError: self.init(error)
        case let error as RetirementError: self.init(error)
        case let error as RemovalError: self.init(.databaseUnfit, error.description)
        case let error as AcceptanceError: self.init(.usage, error.description)
        case let error as InvalidWorkerOption: self.init(.configuration, error.description)
        case let error as DeadLetterError:
            if case .unknownConsumer = error {
                self.init(.usage, error.description)
            } else {
                self.init(.notParked, error.description)
            }
        case let error as PublicationHalted: self.init(.halted, error.description)
        case DeliveryError.configuration(let error): self.init(error)
        case let error as LocalPostgresError: self.init(.missingProgram, error.description)
        default: self.init(.internalError, "\(error)")
        }
    }

    private init(_ error: ResegmentationError) {
        switch error {
        case .foreignWorkers, .notGivenBack, .behindFormer, .behindScope, .behindParked:
            self.init(.ownedElsewhere, error.description)
        case .unknown, .same, .incomplete, .exactlyOnce: self.init(.usage, error.description)
        case .refused: self.init(.databaseUnfit, error.description)
        }
    }

    private init(_ error: RetirementError) {
        switch error {
        case .unknown: self.init(.usage, error.description)
        case .served: self.init(.ownedElsewhere, error.description)
        case .jobs, .parked: self.init(.usage, error.description)
        }
    }

    private init(_ error: SourceError) {
        switch error {
        case .database(let database), .unreadable(let database): self.init(database)
        case .shape(_, isRights: true): self.init(.databaseRights, error.description)
        case .missingTable: self.init(.schemaMissing, error.description)
        default: self.init(.databaseUnfit, error.description)
        }
    }

    private init(_ error: EventStoreError) {
        switch error {
        case .database(let database): self.init(Self.status(of: database), error.description)
        case .optimisticConcurrency, .duplicateEventID: self.init(.conflict, error.description)
        case .noEvents, .mixedAggregates, .invalidEvent: self.init(.input, error.description)
        case .invalidTableName: self.init(.configuration, error.description)
        }
    }

    private static func status(of error: JobError) -> ExitStatus {
        switch error {
        case .unknown, .exists, .cancelled, .done, .unfinished: .jobRefused
        case .taken, .lost: .ownedElsewhere
        case .reversed, .notYetThere, .pruned: .usage
        case .unsettled: .databaseUnfit
        }
    }

    private static func status(of error: PostgresError) -> ExitStatus {
        switch error.sqlState {
        case .undefinedTable, .undefinedColumn, .invalidSchemaName: return .schemaMissing
        case .insufficientPrivilege: return .databaseRights
        default: break
        }
        // Waited for while relays run; a command, or a start, cannot do without it.
        if error.code == .secretUnavailable { return .configuration }
        switch error.code {
        case .sessionRequired: return .databaseUnfit
        case .authentication: return .databaseRefused
        case .invalidConfiguration: return .configuration
        default: break
        }
        return switch error.classification.kind {
        case .away: .databaseUnreachable
        case .busy: .databaseBusy
        case .recovering, .schemaChanged: .databaseUnfit
        case .refused: .databaseRefused
        case .bug: .internalError
        }
    }

    private static func status(of error: KafkaError) -> ExitStatus {
        switch error.code {
        case .configuration: return .configuration
        case .authentication, .saslAuthenticationFailed, .tls: return .kafkaRefused
        case .unknownTopicOrPartition, .localUnknownTopic, .localUnknownPartition: return .topicMissing
        case .topicAuthorizationFailed, .clusterAuthorizationFailed: return .kafkaRights
        default: break
        }
        switch error.classification.kind {
        case .retry: return .kafkaUnreachable
        case .refused: return .kafkaRefused
        case .poison, .fatal: return .internalError
        }
    }
}
