#!/usr/bin/env bash
# Walks the testing guide against a running SaasLlm: organization, groups, team, credits, two jobs. Needs bash and curl.
#
#   scripts/testing-guide.sh                                  the app that `dotnet run --project SaasLlm.AppHost` started
#   BASE_URL=… ADMIN_KEY=… scripts/testing-guide.sh           any other
#
# It may be run again: what exists is accepted, and differences are checked instead of sums. Exits 1 if a check failed.
set -uo pipefail

base=${BASE_URL:-http://localhost:8003}
here=$(cd "$(dirname "$0")/.." && pwd)
secrets=${SAASLLM_DATA:-$here/.saasllm}/secrets.json
admin=${ADMIN_KEY:-}
if [ -z "$admin" ] && [ -r "$secrets" ]; then
  admin=$(sed -n 's/.*"admin-key": *"\([^"]*\)".*/\1/p' "$secrets")
fi
if [ -z "$admin" ]; then
  echo "Set ADMIN_KEY to the operator's key (the start prints it)." >&2
  exit 2
fi

body=$(mktemp)
trap 'rm -f "$body"' EXIT
good=0 bad=0
as="X-Admin-Key: $admin"

step() { printf '\n== %s\n' "$1"; }

# call METHOD PATH [JSON]: sets $status; the answer is in $body.
call() {
  if [ $# -gt 2 ]; then
    status=$(curl -sS -o "$body" -w '%{http_code}' -X "$1" "$base$2" -H "$as" -H 'Content-Type: application/json' -d "$3")
  else
    status=$(curl -sS -o "$body" -w '%{http_code}' -X "$1" "$base$2" -H "$as")
  fi || status=000
}

# check WHAT ACTUAL EXPECTED: one assertion; EXPECTED is an extended regular expression for the whole.
check() {
  if [[ $2 =~ ^($3)$ ]]; then
    good=$((good + 1))
    printf '   ok    %s\n' "$1"
  else
    bad=$((bad + 1))
    printf '   WRONG %s: %s, not %s\n         %s\n' "$1" "$2" "$3" "$(head -c 500 "$body")"
  fi
}

text() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$body"; }
number() { sed -n "s/.*\"$1\": *\(-\{0,1\}[0-9.]*\).*/\1/p" "$body"; }

step "1. Health check"
call GET /health
check "the API is there" "$status" 200
check "it says who it is" "$(text service)" saas-llm-api

step "2. Create organization org_test_001"
call POST /api/organizations/create '{"organization_id": "org_test_001", "name": "Test Organization", "metadata": {"plan": "test"}}'
check "created, or there already" "$status" '200|409'
case $status in 200 | 409) ;; *) echo "Nothing to go on with." >&2; exit 1 ;; esac

step "3. Create model groups"
group() {
  call POST /api/model-groups/create "{\"group_name\": \"$1\", \"display_name\": \"$2\", \"models\": $3}"
  check "$1" "$status" '200|409'
}
group ResumeAgent "Resume analysis" '[{"model_name": "gpt-4-turbo", "priority": 0}, {"model_name": "gpt-3.5-turbo", "priority": 1}]'
group ParsingAgent "Document parsing" '[{"model_name": "gpt-3.5-turbo", "priority": 0}]'
group RAGAgent "RAG" '[{"model_name": "gpt-4-turbo-preview", "priority": 0}]'

step "4. Create team team_test_hr with 100 credits"
call POST /api/teams/create '{"organization_id": "org_test_001", "team_id": "team_test_hr", "team_alias": "HR Team",
  "model_groups": ["ResumeAgent", "ParsingAgent", "RAGAgent"], "credits_allocated": 100}'
check "created, or there already" "$status" '200|409'
if [ "$status" = 200 ]; then
  first=yes
  check "100 credits" "$(number credits_remaining)" 100
  key=$(text virtual_key)
else
  first=no
  call POST /api/teams/team_test_hr/keys/generate '{"name": "testing guide"}'
  check "a new key, for the first is not shown again" "$status" 200
  key=$(text virtual_key)
fi
check "the key looks like one" "${key:0:3}" sk-

step "5. Check credits"
call GET /api/credits/teams/team_test_hr/balance
check "read" "$status" 200
before=$(number credits_remaining)
call POST '/api/credits/teams/team_test_hr/check?credits_needed=1'
check "one is there" "$(sed -n 's/.*"has_credits": *\([a-z]*\).*/\1/p' "$body")" true

step "6. Add 50 credits"
call POST /api/credits/teams/team_test_hr/add '{"credits": 50, "reason": "Testing guide"}'
check "added" "$status" 200
call GET /api/credits/teams/team_test_hr/balance
check "50 more than before" "$(number credits_remaining)" $((before + 50))

step "7. Get model group ResumeAgent"
call GET /api/model-groups/ResumeAgent
check "read" "$status" 200
call GET '/api/model-groups/ResumeAgent/resolve?team_id=team_test_hr'
check "resolves for the team" "$status" 200

step "8. Get team"
call GET /api/teams/team_test_hr
check "read" "$status" 200
check "in its organization" "$(text organization_id)" org_test_001

step "9. A job that completes (as the team)"
as="Authorization: Bearer $key"
call POST /api/jobs/create '{"job_type": "resume_analysis", "external_task_id": "testing-guide"}'
check "opened" "$status" 200
check "pending" "$(text status)" pending
job=$(text job_id)
for _ in {1..60}; do # The gateway key of a new team may take a moment.
  call POST "/api/jobs/$job/llm-call" '{"model_group": "ResumeAgent", "purpose": "testing guide",
    "messages": [{"role": "user", "content": "List the skills in this resume."}]}'
  [ "$(text code)" = llm.key_pending ] || break
  sleep 1
done
check "the call answers" "$status" 200
check "and names no model" "$(grep -c 'gpt-' "$body")" 0
call POST "/api/jobs/$job/complete" '{"status": "completed"}'
check "completed" "$status" 200
check "charged" "$(sed -n 's/.*"credit_applied": *\([a-z]*\).*/\1/p' "$body")" true
call POST "/api/jobs/$job/complete" '{"status": "completed"}'
check "completing again changes nothing" "$status" 200

step "10. A job that fails"
call POST /api/jobs/create '{"job_type": "resume_analysis", "external_task_id": "testing-guide"}'
check "opened" "$status" 200
job=$(text job_id)
call POST "/api/jobs/$job/complete" '{"status": "failed", "error_message": "Testing guide"}'
check "failed" "$status" 200
check "not charged" "$(sed -n 's/.*"credit_applied": *\([a-z]*\).*/\1/p' "$body")" false

step "11. The balance"
call GET /api/credits/teams/team_test_hr/balance
check "one credit less, for one job" "$(number credits_remaining)" $((before + 50 - 1))
check "nothing is held" "$(number credits_held)" 0
[ "$first" = no ] || check "149" "$(number credits_remaining)" 149

printf '\nTesting guide: %s checks good, %s wrong. Balance: %s credits.\n' "$good" "$bad" "$(number credits_remaining)"
[ "$bad" -eq 0 ]
