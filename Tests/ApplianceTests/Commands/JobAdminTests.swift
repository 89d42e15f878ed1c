import EventSourcing
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Jobs over the admin port: made once, looked at, changed, and refused with words.
@Suite(.serialized) struct JobAdminTests {
    private let form = "application/x-www-form-urlencoded"
    private let token = "hush-hush"

    private func with(_ more: [String: String] = [:], _ body: (RelayFixture, AdminPort) async throws -> Void)
        async throws
    {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            // So long a heartbeat that nothing but the port itself can have the relay notice.
            let variables = [
                "GODWIT_ADMIN_TOKEN": token, "GODWIT_WORKER_HEARTBEAT_INTERVAL": "300s",
                "GODWIT_WORKER_STALE_THRESHOLD": "900s",
            ].merging(admin.variables) { $1 }.merging(more) { $1 }
            let relay = try place.run(variables)
            try await admin.wait(for: 200, at: "/readyz")
            try await body(place, admin)
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
        }
    }

    private func state(_ admin: AdminPort, _ name: String) async throws -> String? {
        try await admin.get("/api/jobs/\(name)").json["state"]?.string
    }

    @Test(.timeLimit(.minutes(2)))
    func `a job is counted, made once, run, shown everywhere, and repeated`() async throws {
        try await with { place, admin in
            let ids = try await place.append(40)
            _ = try await place.receive(ids)
            let topic = try await place.kafka.makeTopic("replay")
            let body = #"{"name":"week","consumer":"identity","since":"7d","topic":"\#(topic)","actor":"ada"}"#
            let count = try await admin.post(
                "/api/jobs", #"{"consumer":"identity","since":"7d","topic":"\#(topic)","dry_run":true}"#, token: token)
            #expect(count.status == 200, "\(count.body)")
            #expect(try count.json["events"]?.integer == 40 && count.json["complete"] == true)
            #expect(try await admin.get("/api/jobs").json.items.isEmpty, "counting makes no job")
            let made = try await admin.post("/api/jobs", body, token: token)
            #expect(made.status == 201, "\(made.body)")
            try await eventually("it is never done") { try await state(admin, "week") == "done" }
            let again = try await admin.post("/api/jobs", body, token: token)
            #expect(try again.status == 200 && again.json["published"]?.integer == 40, "\(again.body)")
            let other = try await admin.post(
                "/api/jobs", #"{"name":"week","consumer":"identity","since":"8d","topic":"\#(topic)"}"#, token: token)
            #expect(other.status == 409 && other.body.contains("first time"), "\(other.body)")
            #expect(try await place.kafka.readAll([topic]).count == 40)
            let repeated = try await admin.post("/api/jobs/week/again", #"{"actor":"ada"}"#, token: token)
            #expect(try repeated.status == 201 && repeated.json["job"]?.string == "week-2")
            try await eventually("it is never done") { try await state(admin, "week-2") == "done" }
            #expect(try await place.kafka.readAll([topic]).count == 80)
            let shown = try await admin.get("/api/jobs/week").json
            #expect(shown["runs"]?.items.count == 1 && shown["created_by"]?.string == "ada (admin 127.0.0.1)")
            #expect(try await admin.get("/api/jobs").json.items.compactMap { $0["job"]?.string } == ["week-2", "week"])
            #expect(try await admin.metric("godwit_job_events_published_total")["{consumer=\"identity\"}"] == 80)
            #expect(try await admin.metric("godwit_jobs")["{state=\"failed\"}"] == 0)
            let session = try await ConsoleSession.signIn(admin, token: token)
            let page = try await session.get("/jobs").body
            #expect(page.contains("/api/jobs/week/again") && page.contains("100 %"))
            #expect(try await session.get("/").body.contains("none waits, runs or has failed"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a job is stopped, resumed and cancelled by request and by form, audited`() async throws {
        try await with { place, admin in
            _ = try await place.append(400)
            let topic = try await place.kafka.makeTopic("replay")
            let made = try await admin.post(
                "/api/jobs", "token=\(token)&actor=Ada&name=slow&consumer=identity&rate=20&since=&topic=\(topic)",
                type: form,
                followsRedirects: false)
            #expect(made.status == 303 && made.headers["location"] == "/jobs?done=made", "\(made.body)")
            let session = try await ConsoleSession.signIn(admin, token: token)
            try await eventually("it never runs") { try await state(admin, "slow") == "running" }
            try await eventually("the page does not show it") {
                try await session.get("/").body.contains("slow")
            }
            let status = try await admin.get("/api/status").json
            #expect(status["jobs"]?.items.first?["job"]?.string == "slow" && status["ready"] == true)
            #expect(try await admin.post("/api/jobs/slow/stop", token: token).status == 200)
            let asked = ContinuousClock.now
            try await eventually("it never stops") { try await state(admin, "slow") == "stopped" }
            #expect(ContinuousClock.now - asked < .seconds(3))
            #expect(try await session.get("/jobs").body.contains("/api/jobs/slow/resume"))
            #expect(try await admin.post("/api/jobs/slow/resume", token: token).status == 200)
            try await eventually("it never goes on") { try await state(admin, "slow") == "running" }
            let refused = try await admin.post("/api/jobs/slow/again", token: token)
            #expect(refused.status == 409 && refused.body.contains("has not come to its end"))
            #expect(try await admin.post("/api/jobs/slow/cancel", token: token).status == 200)
            #expect(try await admin.post("/api/jobs/slow/resume", token: token).status == 409)
            let connection = try await place.test.connect()
            let lines = try await connection.query(AuditLog(place.test.tables).newest(20)).reversed().map {
                try "\($0.decode(0, as: String.self))|\($0.decode(1, as: String.self))|\($0.decode(2, as: String.self))"
            }
            #expect(
                lines == [
                    "Ada (admin 127.0.0.1)|republish|job slow", "admin 127.0.0.1|stop|job slow",
                    "admin 127.0.0.1|resume|job slow", "admin 127.0.0.1|cancel|job slow",
                ])
            await connection.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `bad requests are refused with words, and make nothing`() async throws {
        try await with(["GODWIT_CONSUMERS_OTHER_TOPIC": "others.topic"]) { place, admin in
            _ = try await place.append(3)
            func post(_ body: String) async throws -> AdminPort.Answer {
                try await admin.post("/api/jobs", body, token: token)
            }
            for (body, status, word) in [
                ("", 400, "consumer"), ("[]", 400, "JSON object"), ("{", 400, "JSON object"),
                (#"{"name":"a","consumer":"nobody"}"#, 400, "has no consumer nobody"),
                (#"{"name":"a","consumer":"identity","contexts":["Billing"]}"#, 400, "does not carry"),
                (#"{"name":"a","consumer":"identity","topic":"a b"}"#, 400, "cannot be used"),
                (#"{"name":"a","consumer":"identity","topic":"others.topic"}"#, 400, "consumer other publishes to"),
                (#"{"name":"a","consumer":"identity","to_position":99}"#, 400, "does not exist yet"),
                (#"{"name":"a","consumer":"identity","since":"whenever"}"#, 400, "no time"),
                (#"{"name":"a","consumer":"identity","aggregate_ids":["\u0000"]}"#, 400, "list of texts"),
            ] {
                let answer = try await post(body)
                #expect(answer.status == status && answer.body.contains(word), "\(body): \(answer.body)")
            }
            #expect(try await admin.post("/api/jobs", "{}", token: "wrong").status == 401)
            #expect(try await admin.post("/api/jobs/a/stop", token: token).status == 404)
            #expect(try await admin.post("/api/jobs/%00/stop", token: token).status == 404)
            #expect(try await admin.get("/api/jobs/%00").status == 404)
            #expect(try await admin.get("/api/jobs/a").status == 404)
            #expect(try await admin.get("/api/jobs/a/stop").status == 405)
            #expect(try await admin.post("/api/jobs/a/explode", token: token).status == 404)
            #expect(try await admin.get("/api/jobs").json.items.isEmpty)
        }
    }
}
