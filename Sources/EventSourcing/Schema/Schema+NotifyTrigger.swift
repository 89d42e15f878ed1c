public import Postgres

extension Schema {
    /// Has every insert into the events table notify the channel while some relay asks for it: for writers that do not
    /// append through an ``EventStore``, for example services that use pupsourcing/core.
    public func installNotifyTrigger(channel: String, on connection: Connection) async throws(EventStoreError) {
        do throws(PostgresError) {
            try await connection.execute(script: requests.installTrigger(channel))
        } catch {
            throw .database(error)
        }
    }

    /// Removes the trigger that ``installNotifyTrigger(channel:on:)`` made, if it is there.
    public func removeNotifyTrigger(on connection: Connection) async throws(EventStoreError) {
        do throws(PostgresError) {
            try await connection.execute(script: requests.removeTrigger)
        } catch {
            throw .database(error)
        }
    }

    /// What removes the trigger, as SQL, for `psql`.
    public var notifyTriggerRemoval: String { requests.removeTrigger }

    /// The trigger as SQL, for `psql`.
    public func notifyTriggerScript(channel: String) -> String {
        requests.installTrigger(channel)
    }
}
