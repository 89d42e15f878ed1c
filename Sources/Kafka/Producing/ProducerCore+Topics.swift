internal import DedicatedThread
internal import Synchronization

extension ProducerCore {
    func lookUp(
        _ names: [String], within limit: Duration?
    ) async throws(KafkaError) -> [Result<TopicHandle, KafkaError>] {
        if names.isEmpty { return [] }
        let deadline = limit.map { ContinuousClock.now + $0 }
        while true {
            if Task.isCancelled { throw cancelledError }
            let attempt = await BlockingCall.run(named: "kafka-topics") { [self] in ask(names, until: deadline) }
            do throws(KafkaError) { return try attempt.get() } catch {
                guard error.classification.kind == .retry else { throw error }
                if let deadline, ContinuousClock.now >= deadline { throw error }
                // Brokers that end the connection answer at once.
                do { try await Task.sleep(for: .milliseconds(20)) } catch _ { throw cancelledError }
            }
        }
    }

    func prepare(_ names: [String], within limit: Duration?) async throws(KafkaError) -> [TopicHandle] {
        let deadline = limit.map { ContinuousClock.now + $0 }
        while true {
            let answers = try await lookUp(names, within: deadline.map { max(.zero, $0 - .now) })
            var handles: [TopicHandle] = []
            var passing: KafkaError?
            var lasting: [(name: String, error: KafkaError)] = []
            for (name, answer) in zip(names, answers) {
                switch answer {
                case .success(let handle): handles.append(handle)
                case .failure(let error) where error.classification.kind == .retry: passing = passing ?? error
                case .failure(let error): lasting.append((name, error))
                }
            }
            if let first = lasting.first {
                let list = lasting.map { "`\($0.name)`" }.joined(separator: ", ")
                throw KafkaError(first.error.code, message: "\(first.error.code.text): \(list)")
            }
            guard let passing else { return handles }
            if let deadline, ContinuousClock.now >= deadline { throw passing }
            do { try await Task.sleep(for: .milliseconds(50)) } catch _ { throw cancelledError }
        }
    }

    /// One attempt, which the first question that nobody answers ends. Blocks.
    private func ask(
        _ names: [String], until deadline: ContinuousClock.Instant?
    ) -> Result<[Result<TopicHandle, KafkaError>], KafkaError> {
        let refusals = names.map { keepTopic($0) }
        let (areAlone, places) = state.withLock { state in
            (state.topics.areAskedAlone(names), names.map { state.topics.place(of: $0) })
        }
        var found: [String: TopicMetadata] = [:]
        for place in areAlone ? places.filter({ $0 != nil }) : [nil] {
            let rest = deadline.map { max(shortestQuestion, $0 - .now) } ?? longestQuestion
            switch withClient({ $0.metadata(ofTopicAt: place, within: min(rest, longestQuestion)) }) {
            case .success(let topics): found.merge(topics) { _, new in new }
            case .failure(let error): return .failure(refusedLogin ?? error)
            case nil: return .failure(KafkaError(.state, message: "The producer is closed"))
            }
        }
        log(state.withLock { $0.connection.observeAnswer() })
        return .success(
            zip(names, refusals).map { name, refusal in
                if let refusal { return .failure(refusal) }
                return state.withLock { $0.topics.answer(name, found[name]) }
            })
    }

    /// That the login is refused says more than that nobody answered.
    private var refusedLogin: KafkaError? {
        guard case .down(let error) = state.withLock({ $0.connection.status }), error.classification.kind == .refused
        else { return nil }
        return error
    }

    /// Has the client keep a topic; what it says when it does not take the name.
    private func keepTopic(_ name: String) -> KafkaError? {
        switch withClient({ $0.keep(topic: name) }) {
        case .success(let place):
            state.withLock { $0.topics.add(name, at: place) }
            return nil
        case .failure(let error): return error
        case nil: return nil
        }
    }
}

private let shortestQuestion = Duration.milliseconds(100)

/// The client cannot be ended during a question, so that it is no longer.
private let longestQuestion = Duration.seconds(1)

private let cancelledError = KafkaError(.timedOut, message: "Waiting for topics was cancelled")
