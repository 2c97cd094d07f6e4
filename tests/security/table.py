"""Who gets what where: one line for every address and method. An address that is not here fails the suite.

``object`` says what the address names. The cells are the answers for one's OWN object; for others' and for missing
ones they follow from a rule (``others``), not from the table. Columns: nobody signed in, village head, lead office
(产业发展服务中心), finance, discipline, leader, district viewer, town official, administrator.
"""

from dataclasses import dataclass

ROLES = ("anon", "head", "agri", "fin", "disc", "lead", "dist", "offi", "admin")
LOGIN = 302  # of anonymous: to the login page
TABLE = """
address                  method object      anon head agri fin  disc lead dist offi admin

healthz                  GET    -           200  200  200  200  200  200  200  200  200
healthz                  POST   -           405  405  405  405  405  405  405  405  405
login                    GET    -           200  302  302  302  302  302  302  302  302
login                    POST   -           200  302  302  302  302  302  302  302  302
logout                   GET    -           405  405  405  405  405  405  405  405  405
logout                   POST   -           302  302  302  302  302  302  302  302  302
password_change          GET    -           302  200  200  200  200  200  200  200  200
password_change          POST   -           302  200  200  200  200  200  200  200  200
phone_worker             GET    -           200  200  200  200  200  200  200  200  200
phone_worker             POST   -           405  405  405  405  405  405  405  405  405
dashboard                GET    -           302  302  302  302  302  302  302  302  302
dashboard                POST   -           302  405  405  405  405  405  405  405  405
job_detail               GET    job         302  200  200  200  200  200  200  200  200
job_detail               POST   job         405  405  405  405  405  405  405  405  405

dashboard_town           GET    town        302  302  200  200  200  200  200  200  200
dashboard_town           POST   town        302  405  405  405  405  405  405  405  405
village_detail           GET    division    302  200  200  200  200  200  200  200  200
village_detail           POST   division    302  405  405  405  405  405  405  405  405
what_if                  GET    town        302  404  200  200  200  200  200  200  200
what_if                  POST   town        302  404  405  405  405  405  405  405  405
plan_detail              GET    town        302  200  200  200  200  200  200  200  200
plan_detail              POST   town        302  405  405  405  405  405  405  405  405
plan_check               GET    town        302  404  200  200  200  200  200  200  200
plan_check               POST   town        302  404  405  405  405  405  405  405  405
plan_recheck             GET    town        302  404  405  405  405  405  405  405  405
plan_recheck             POST   town        302  404  403  403  403  403  403  302  302
finding_waive            GET    town        302  404  405  405  405  405  405  405  405
finding_waive            POST   town        302  404  403  403  403  302  403  302  302
finding_withdraw         GET    finding     302  404  405  405  405  405  405  405  405
finding_withdraw         POST   finding     302  404  403  403  403  302  403  302  302
issue_list               GET    town        302  200  200  200  200  200  200  200  200
issue_list               POST   town        302  405  405  405  405  405  405  405  405
issue_detail             GET    issue       302  200  200  200  200  200  200  200  200
issue_detail             POST   issue       302  405  405  405  405  405  405  405  405
issue_create             GET    town        302  403  200  403  403  403  403  200  200
issue_create             POST   town        302  403  400  403  403  403  403  400  400
issue_bulk               GET    town        302  405  405  405  405  405  405  405  405
issue_bulk               POST   town        302  403  400  403  403  403  403  400  400
issue_edit               GET    issue       302  403  403  403  403  403  403  200  200
issue_edit               POST   issue       302  403  403  403  403  403  403  400  400
ledger_import            GET    town        302  403  403  403  403  403  403  200  200
ledger_import            POST   town        302  403  403  403  403  403  403  400  400
ledger_import_preview    GET    ledger_file 302  403  403  403  403  403  403  400  400
ledger_import_preview    POST   ledger_file 302  405  405  405  405  405  405  405  405
ledger_import_confirm    GET    ledger_file 302  405  405  405  405  405  405  405  405
ledger_import_confirm    POST   ledger_file 302  403  403  403  403  403  403  400  400
ledger_export            GET    town        302  200  200  200  200  200  200  200  200
ledger_export            POST   town        302  405  405  405  405  405  405  405  405
patrol                   GET    town        302  200  200  404  404  404  404  200  200
patrol                   POST   town        302  400  400  404  404  404  404  400  400
clue_list                GET    town        302  200  200  200  200  200  200  200  200
clue_list                POST   town        302  405  405  405  405  405  405  405  405
clue_detail              GET    clue        302  200  200  200  200  200  200  200  200
clue_detail              POST   clue        302  405  405  405  405  405  405  405  405
clue_dismiss             GET    clue        302  405  405  405  405  405  405  405  405
clue_dismiss             POST   clue        302  403  400  403  403  403  403  400  400
clue_duplicate           GET    clue        302  405  405  405  405  405  405  405  405
clue_duplicate           POST   clue        302  403  400  403  403  403  403  400  400
referral_list            GET    town        302  404  200  200  200  200  200  200  200
referral_list            POST   town        302  404  405  405  405  405  405  405  405
referral_create          GET    town        302  404  405  405  405  405  405  405  405
referral_create          POST   town        302  404  403  403  403  403  403  400  400
referral_answer          GET    referral    302  404  405  405  405  405  405  405  405
referral_answer          POST   referral    302  404  403  403  403  403  403  400  400
issue_decide             GET    issue       302  405  405  405  405  405  405  405  405
issue_decide             POST   issue       302  403  403  403  403  403  403  400  400
issue_done               GET    issue       302  405  405  405  405  405  405  405  405
issue_done               POST   issue       302  400  403  403  403  403  403  400  400
issue_accept             GET    issue       302  405  405  405  405  405  405  405  405
issue_accept             POST   issue       302  403  403  403  403  403  403  400  400
issue_return             GET    issue       302  405  405  405  405  405  405  405  405
issue_return             POST   issue       302  403  403  403  403  403  403  400  400
issue_close              GET    issue       302  405  405  405  405  405  405  405  405
issue_close              POST   issue       302  403  403  403  403  403  403  400  400
issue_reopen             GET    issue       302  405  405  405  405  405  405  405  405
issue_reopen             POST   issue       302  403  403  403  403  403  403  400  400
issue_deliberate         GET    issue       302  405  405  405  405  405  405  405  405
issue_deliberate         POST   issue       302  400  403  403  403  403  403  400  400
issue_photos             GET    issue       302  200  200  200  200  200  200  200  200
issue_photos             POST   issue       302  302  403  403  403  403  403  302  302
issue_permit             GET    issue       302  405  405  405  405  405  405  405  405
issue_permit             POST   issue       302  403  403  403  403  403  403  400  400
meeting_minutes          GET    meeting     302  200  200  200  200  200  200  200  200
meeting_minutes          POST   meeting     302  405  405  405  405  405  405  405  405
permit_settle            GET    permit      302  405  405  405  405  405  405  405  405
permit_settle            POST   permit      302  403  403  403  403  403  403  400  400

parcel_list              GET    town        302  200  200  200  200  200  200  200  200
parcel_list              POST   town        302  405  405  405  405  405  405  405  405
parcel_shapes            GET    town        302  200  200  200  200  200  200  200  200
parcel_shapes            POST   town        302  405  405  405  405  405  405  405  405
parcel_sheet             GET    town        302  200  200  200  200  200  200  200  200
parcel_sheet             POST   town        302  405  405  405  405  405  405  405  405
parcel_glance            GET    parcel      302  200  200  200  200  200  200  200  200
parcel_glance            POST   parcel      302  405  405  405  405  405  405  405  405
parcel_detail            GET    parcel      302  200  200  200  200  200  200  200  200
parcel_detail            POST   parcel      302  405  405  405  405  405  405  405  405
parcel_bulk              GET    town        302  405  405  405  405  405  405  405  405
parcel_bulk              POST   town        302  400  400  403  403  403  403  400  400
parcel_bulk_confirm      GET    town        302  405  405  405  405  405  405  405  405
parcel_bulk_confirm      POST   town        302  400  400  403  403  403  403  400  400
parcel_selection         GET    town        302  200  200  200  200  200  200  200  200
parcel_selection         POST   town        302  403  400  403  403  403  403  400  400
parcel_edit              GET    parcel      302  403  200  403  403  403  403  200  200
parcel_edit              POST   parcel      302  403  400  403  403  403  403  400  400
parcel_verify            GET    parcel      302  200  200  403  403  403  403  200  200
parcel_verify            POST   parcel      302  400  400  403  403  403  403  400  400
parcel_settle            GET    parcel      302  405  405  405  405  405  405  405  405
parcel_settle            POST   parcel      302  403  302  403  403  403  403  302  302
parcel_move              GET    parcel      302  200  200  403  403  403  403  200  200
parcel_move              POST   parcel      302  400  400  403  403  403  403  400  400
work_create              GET    parcel      302  403  200  403  403  403  403  200  200
work_create              POST   parcel      302  403  400  403  403  403  403  400  400
work_change              GET    work        302  403  200  403  403  403  403  200  200
work_change              POST   work        302  403  400  403  403  403  403  400  400
work_move                GET    work        302  200  200  403  403  403  403  200  200
work_move                POST   work        302  400  400  403  403  403  403  400  400
work_exit                GET    work        302  403  200  403  403  403  403  200  200
work_exit                POST   work        302  403  400  403  403  403  403  400  400
work_substitute          GET    work        302  403  200  403  403  403  403  200  200
work_substitute          POST   work        302  403  400  403  403  403  403  400  400
work_reopen              GET    work        302  403  200  403  403  403  403  200  200
work_reopen              POST   work        302  403  400  403  403  403  403  400  400
work_relapse             GET    work        302  200  200  403  403  403  403  200  200
work_relapse             POST   work        302  400  400  403  403  403  403  400  400
parcel_import            GET    town        302  403  403  403  403  403  403  200  200
parcel_import            POST   town        302  403  403  403  403  403  403  400  400
parcel_import_template   GET    town        302  403  403  403  403  403  403  200  200
parcel_import_template   POST   town        302  405  405  405  405  405  405  405  405
parcel_import_preview    GET    listing     302  403  403  403  403  403  403  200  200
parcel_import_preview    POST   listing     302  405  405  405  405  405  405  405  405
parcel_import_columns    GET    listing     302  403  403  403  403  403  403  200  200
parcel_import_columns    POST   listing     302  403  403  403  403  403  403  400  400
parcel_import_confirm    GET    listing     302  405  405  405  405  405  405  405  405
parcel_import_confirm    POST   listing     302  403  403  403  403  403  403  400  400

layer_list               GET    town        302  403  403  403  403  403  403  200  200
layer_list               POST   town        302  403  403  403  403  403  403  400  400
layer_preview            GET    layer_file  302  403  403  403  403  403  403  200  200
layer_preview            POST   layer_file  302  405  405  405  405  405  405  405  405
layer_confirm            GET    layer_file  302  405  405  405  405  405  405  405  405
layer_confirm            POST   layer_file  302  403  403  403  403  403  403  400  400
layer_remove             GET    layer       302  405  405  405  405  405  405  405  405
layer_remove             POST   layer       302  403  403  403  403  403  403  400  400
parcel_boundary          GET    parcel      302  403  200  403  403  403  403  200  200
parcel_boundary          POST   parcel      302  403  400  403  403  403  403  400  400
parcel_overlaps          GET    parcel      302  200  200  200  200  200  200  200  200
parcel_overlaps          POST   parcel      302  405  405  405  405  405  405  405  405

proposal_list            GET    town        302  200  200  200  200  200  200  200  200
proposal_list            POST   town        302  405  405  405  405  405  405  405  405
proposal_create          GET    town        302  200  200  403  403  403  403  200  200
proposal_create          POST   town        302  400  400  403  403  403  403  400  400
proposal_approve         GET    town        302  405  405  405  405  405  405  405  405
proposal_approve         POST   town        302  403  400  403  403  403  403  400  400
proposal_detail          GET    proposal    302  200  200  200  200  200  200  200  200
proposal_detail          POST   proposal    302  405  405  405  405  405  405  405  405
proposal_move            GET    proposal    302  405  405  405  405  405  405  405  405
proposal_move            POST   proposal    302  400  400  403  403  403  403  400  400
proposal_consent         GET    proposal    302  200  200  200  200  200  200  200  200
proposal_consent         POST   proposal    302  405  405  405  405  405  405  405  405
parcel_evidence          GET    parcel      302  200  200  200  200  200  200  200  200
parcel_evidence          POST   parcel      302  405  405  405  405  405  405  405  405
parcel_evidence_add      GET    parcel      302  405  405  405  405  405  405  405  405
parcel_evidence_add      POST   parcel      302  302  302  403  403  403  403  302  302
parcel_outcome           GET    parcel      302  405  405  405  405  405  405  405  405
parcel_outcome           POST   parcel      302  403  302  403  403  403  403  302  302
parcel_stage             GET    parcel      302  405  405  405  405  405  405  405  405
parcel_stage             POST   parcel      302  302  302  403  403  403  403  302  302
evidence_shown           GET    evidence    302  200  200  200  200  200  200  200  200
evidence_shown           POST   evidence    302  405  405  405  405  405  405  405  405
evidence_thumbnail       GET    evidence    302  200  200  200  200  200  200  200  200
evidence_thumbnail       POST   evidence    302  405  405  405  405  405  405  405  405
evidence_original        GET    evidence    302  200  200  403  403  403  200  200  200
evidence_original        POST   evidence    302  405  405  405  405  405  405  405  405
evidence_withdraw        GET    evidence    302  405  405  405  405  405  405  405  405
evidence_withdraw        POST   evidence    302  302  302  403  403  403  403  302  302
phone_home               GET    town        302  200  200  200  200  200  200  200  200
phone_home               POST   town        302  405  405  405  405  405  405  405  405
phone_issues             GET    town        302  200  200  200  200  200  200  200  200
phone_issues             POST   town        302  405  405  405  405  405  405  405  405
phone_issue              GET    issue       302  200  200  200  200  200  200  200  200
phone_issue              POST   issue       302  405  405  405  405  405  405  405  405
phone_parcel             GET    parcel      302  200  200  200  200  200  200  200  200
phone_parcel             POST   parcel      302  405  405  405  405  405  405  405  405

acceptance_list          GET    town        302  200  200  200  200  200  200  200  200
acceptance_list          POST   town        302  405  405  405  405  405  405  405  405
acceptance_create        GET    town        302  405  405  405  405  405  405  405  405
acceptance_create        POST   town        302  404  400  404  404  404  404  400  400
acceptance_reverse       GET    acceptance  302  404  200  404  404  404  404  200  200
acceptance_reverse       POST   acceptance  302  404  400  404  404  404  404  400  400
acceptance_figure        GET    acceptance  302  200  200  200  200  200  200  200  200
acceptance_figure        POST   acceptance  302  405  405  405  405  405  405  405  405

inspection_list          GET    town        302  200  200  200  200  200  200  200  200
inspection_list          POST   town        302  405  405  405  405  405  405  405  405
inspection_queue         GET    town        302  200  200  200  200  200  200  200  200
inspection_queue         POST   town        302  405  405  405  405  405  405  405  405
inspection_create        GET    town        302  405  405  405  405  405  405  405  405
inspection_create        POST   town        302  404  400  404  404  404  404  400  400
inspection_detail        GET    inspection  302  200  200  200  200  200  200  200  200
inspection_detail        POST   inspection  302  405  405  405  405  405  405  405  405
inspection_edit          GET    inspection  302  404  200  404  404  404  404  200  200
inspection_edit          POST   inspection  302  404  400  404  404  404  404  400  400
inspection_fill          GET    inspection  302  405  405  405  405  405  405  405  405
inspection_fill          POST   inspection  302  404  409  404  404  404  404  409  409
inspection_sheet         GET    inspection  302  404  404  404  404  404  404  404  404
inspection_sheet         POST   inspection  302  404  404  404  404  404  404  404  404
inspection_sheet_confirm GET    inspection  302  405  405  405  405  405  405  405  405
inspection_sheet_confirm POST   inspection  302  404  404  404  404  404  404  404  404
inspection_draw          GET    inspection  302  405  405  405  405  405  405  405  405
inspection_draw          POST   inspection  302  404  400  404  404  404  404  400  400
inspection_adopt         GET    inspection  302  405  405  405  405  405  405  405  405
inspection_adopt         POST   inspection  302  404  400  404  404  404  404  400  400
inspection_confirm       GET    inspection  302  405  405  405  405  405  405  405  405
inspection_confirm       POST   inspection  302  404  400  404  404  404  404  400  400
inspection_cancel        GET    inspection  302  405  405  405  405  405  405  405  405
inspection_cancel        POST   inspection  302  404  400  404  404  404  404  400  400
inspection_signed        GET    inspection  302  200  200  200  200  200  200  200  200
inspection_signed        POST   inspection  302  404  400  404  404  404  404  400  400
inspection_xlsx          GET    inspection  302  200  200  200  200  200  200  200  200
inspection_xlsx          POST   inspection  302  405  405  405  405  405  405  405  405
inspection_docx          GET    inspection  302  200  200  200  200  200  200  200  200
inspection_docx          POST   inspection  302  405  405  405  405  405  405  405  405
inspection_figure        GET    inspection  302  200  200  200  200  200  200  200  200
inspection_figure        POST   inspection  302  405  405  405  405  405  405  405  405

form_home                GET    town        302  302  200  200  200  200  200  200  200
form_home                POST   town        302  405  405  405  405  405  405  405  405
form_division            GET    division    302  200  200  200  200  200  200  200  200
form_division            POST   division    302  405  405  405  405  405  405  405  405
form_blank               GET    division    302  200  200  403  403  403  403  200  200
form_blank               POST   division    302  405  405  405  405  405  405  405  405
form_upload              GET    division    302  405  405  405  405  405  405  405  405
form_upload              POST   division    302  302  302  403  403  403  403  302  302
form_preview             GET    upload      302  200  200  404  404  404  404  200  200
form_preview             POST   upload      302  405  405  405  405  405  405  405  405
form_confirm             GET    upload      302  405  405  405  405  405  405  405  405
form_confirm             POST   upload      302  302  302  302  302  302  302  302  302
submission_detail        GET    submission  302  200  200  200  200  200  200  200  200
submission_detail        POST   submission  302  405  405  405  405  405  405  405  405
submission_progress      GET    submission  302  200  200  200  200  200  200  200  200
submission_progress      POST   submission  302  405  405  405  405  405  405  405  405
submission_take_back     GET    submission  302  405  405  405  405  405  405  405  405
submission_take_back     POST   submission  302  302  302  302  302  302  302  302  302

rate_list                GET    town        302  200  200  200  200  200  200  200  200
rate_list                POST   town        302  405  405  405  405  405  405  405  405
rate_simulate            GET    town        302  404  200  200  200  200  200  200  200
rate_simulate            POST   town        302  405  405  405  405  405  405  405  405
rate_detail              GET    plan_rate   302  200  200  200  200  200  200  200  200
rate_detail              POST   plan_rate   302  405  405  405  405  405  405  405  405
rate_draft               GET    plan_rate   302  403  403  403  403  200  403  200  200
rate_draft               POST   plan_rate   302  403  403  403  403  400  403  400  400
rate_publish             GET    version     302  405  405  405  405  405  405  405  405
rate_publish             POST   version     302  403  403  403  403  400  403  400  400
rate_withdraw            GET    version     302  405  405  405  405  405  405  405  405
rate_withdraw            POST   version     302  403  403  403  403  400  403  400  400
rate_choose              GET    version     302  405  405  405  405  405  405  405  405
rate_choose              POST   version     302  403  403  403  403  400  403  400  400
calculation_list         GET    town        302  404  200  200  200  200  200  200  200
calculation_list         POST   town        302  404  405  405  405  405  405  405  405
calculation_create       GET    town        302  404  405  405  405  405  405  405  405
calculation_create       POST   town        302  404  404  403  403  403  403  404  404
calculation_detail       GET    calculation 302  404  200  200  200  200  200  200  200
calculation_detail       POST   calculation 302  404  405  405  405  405  405  405  405
calculation_apply        GET    calculation 302  404  405  405  405  405  405  405  405
calculation_apply        POST   calculation 302  404  409  403  403  403  403  409  409
calculation_discard      GET    calculation 302  404  405  405  405  405  405  405  405
calculation_discard      POST   calculation 302  404  409  403  403  403  403  409  409
calculation_rulings      GET    round       302  404  200  200  200  200  200  200  200
calculation_rulings      POST   round       302  404  405  405  405  405  405  405  405
calculation_rule         GET    round       302  404  405  405  405  405  405  405  405
calculation_rule         POST   round       302  404  400  403  403  403  403  400  400
calculation_facts        GET    round       302  404  200  200  200  200  200  200  200
calculation_facts        POST   round       302  404  400  403  403  403  403  400  400
subsidy_list             GET    town        302  200  200  200  200  200  200  200  200
subsidy_list             POST   town        302  405  405  405  405  405  405  405  405
claim_list               GET    town        302  200  200  200  200  200  200  200  200
claim_list               POST   town        302  405  405  405  405  405  405  405  405
claim_forecast           GET    town        302  200  200  200  200  200  200  200  200
claim_forecast           POST   town        302  405  405  405  405  405  405  405  405
claim_detail             GET    claim       302  200  200  200  200  200  200  200  200
claim_detail             POST   claim       302  405  405  405  405  405  405  405  405
claim_open               GET    town        302  405  405  405  405  405  405  405  405
claim_open               POST   town        302  302  302  403  403  403  403  302  302
claim_declare_rest       GET    town        302  405  405  405  405  405  405  405  405
claim_declare_rest       POST   town        302  302  403  403  403  403  403  403  302
claim_verify_many        GET    town        302  405  405  405  405  405  405  405  405
claim_verify_many        POST   town        302  403  302  403  403  403  403  302  302
claim_declare            GET    claim       302  405  405  405  405  405  405  405  405
claim_declare            POST   claim       302  400  403  403  403  403  403  403  400
claim_withdraw           GET    claim       302  405  405  405  405  405  405  405  405
claim_withdraw           POST   claim       302  409  403  403  403  403  403  403  409
claim_verify             GET    claim       302  405  405  405  405  405  405  405  405
claim_verify             POST   claim       302  403  400  403  403  403  403  400  400
claim_blank              GET    place       302  200  403  403  403  403  403  403  200
claim_blank              POST   place       302  405  405  405  405  405  405  405  405
claim_upload             GET    town        302  405  405  405  405  405  405  405  405
claim_upload             POST   town        302  302  403  403  403  403  403  403  302
claim_preview            GET    claim_file  302  400  403  403  403  403  403  403  400
claim_preview            POST   claim_file  302  405  405  405  405  405  405  405  405
claim_confirm            GET    claim_file  302  405  405  405  405  405  405  405  405
claim_confirm            POST   claim_file  302  400  403  403  403  403  403  403  400
entitlement_list         GET    town        302  200  200  200  200  200  200  200  200
entitlement_list         POST   town        302  405  405  405  405  405  405  405  405
entitlement_detail       GET    entitlement 302  200  200  200  200  200  200  200  200
entitlement_detail       POST   entitlement 302  405  405  405  405  405  405  405  405
parcel_money             GET    parcel      302  200  200  200  200  200  200  200  200
parcel_money             POST   parcel      302  405  405  405  405  405  405  405  405

batch_list               GET    town        302  404  200  200  200  200  200  200  200
batch_list               POST   town        302  404  405  405  405  405  405  405  405
batch_create             GET    town        302  404  200  403  403  403  403  200  200
batch_create             POST   town        302  404  400  403  403  403  403  400  400
batch_funds              GET    town        302  404  200  200  200  200  200  200  200
batch_funds              POST   town        302  404  405  405  405  405  405  405  405
batch_fund_add           GET    town        302  404  405  405  405  405  405  405  405
batch_fund_add           POST   town        302  404  403  404  403  403  403  403  404
batch_rebook             GET    town        302  404  405  405  405  405  405  405  405
batch_rebook             POST   town        302  404  403  404  403  403  403  403  404
batch_detail             GET    batch       302  404  200  200  200  200  200  200  200
batch_detail             POST   batch       302  404  405  405  405  405  405  405  405
batch_file               GET    batch_file  302  404  200  200  200  200  200  200  200
batch_file               POST   batch_file  302  404  405  405  405  405  405  405  405
batch_rows               GET    batch       302  404  405  405  405  405  405  405  405
batch_rows               POST   batch       302  404  400  403  403  403  403  400  400
batch_assign             GET    batch       302  404  405  405  405  405  405  405  405
batch_assign             POST   batch       302  404  400  403  403  403  403  400  400
batch_settle             GET    batch       302  404  405  405  405  405  405  405  405
batch_settle             POST   batch       302  404  403  409  403  403  403  403  409
batch_review             GET    batch       302  404  405  405  405  405  405  405  405
batch_review             POST   batch       302  404  400  403  403  403  403  400  400
batch_send_back          GET    batch       302  404  405  405  405  405  405  405  405
batch_send_back          POST   batch       302  404  400  403  403  403  403  400  400
batch_publish            GET    batch       302  404  405  405  405  405  405  405  405
batch_publish            POST   batch       302  404  400  403  403  403  403  400  400
batch_approve            GET    batch       302  404  405  405  405  405  405  405  405
batch_approve            POST   batch       302  404  403  403  403  400  403  403  400
batch_pay                GET    batch       302  404  405  405  405  405  405  405  405
batch_pay                POST   batch       302  404  403  400  403  403  403  403  400
batch_reconcile          GET    batch       302  404  405  405  405  405  405  405  405
batch_reconcile          POST   batch       302  404  403  400  403  403  403  403  400
batch_void               GET    batch       302  404  405  405  405  405  405  405  405
batch_void               POST   batch       302  404  400  403  403  400  403  400  400
batch_photo              GET    batch       302  404  405  405  405  405  405  405  405
batch_photo              POST   batch       302  404  400  403  403  403  403  400  400
batch_paper              GET    batch       302  404  405  405  405  405  405  405  405
batch_paper              POST   batch       302  404  400  403  403  403  403  400  400
batch_object             GET    batch       302  404  405  405  405  405  405  405  405
batch_object             POST   batch       302  404  400  403  403  403  403  400  400
batch_answer             GET    batch       302  404  405  405  405  405  405  405  405
batch_answer             POST   batch       302  404  400  403  403  403  403  400  400
batch_fail               GET    batch       302  404  405  405  405  405  405  405  405
batch_fail               POST   batch       302  404  403  400  403  403  403  403  400
batch_reissue            GET    batch       302  404  405  405  405  405  405  405  405
batch_reissue            POST   batch       302  404  403  400  403  403  403  403  400
batch_adjust             GET    entitlement 302  404  200  403  403  403  403  200  200
batch_adjust             POST   entitlement 302  404  400  403  403  403  403  400  400
batch_payment_xlsx       GET    batch       302  404  200  200  200  200  200  200  200
batch_payment_xlsx       POST   batch       302  404  403  200  403  403  403  403  200
batch_payment_docx       GET    batch       302  404  200  200  200  200  200  200  200
batch_payment_docx       POST   batch       302  404  403  200  403  403  403  403  200
batch_statement_xlsx     GET    batch       302  404  200  200  200  200  200  200  200
batch_statement_xlsx     POST   batch       302  404  405  405  405  405  405  405  405
batch_statement_docx     GET    batch       302  404  200  200  200  200  200  200  200
batch_statement_docx     POST   batch       302  404  405  405  405  405  405  405  405
batch_publicity_xlsx     GET    batch       302  404  200  200  200  200  200  200  200
batch_publicity_xlsx     POST   batch       302  404  405  405  405  405  405  405  405
batch_publicity_docx     GET    batch       302  404  200  200  200  200  200  200  200
batch_publicity_docx     POST   batch       302  404  405  405  405  405  405  405  405
batch_application_xlsx   GET    batch       302  404  200  200  200  200  200  200  200
batch_application_xlsx   POST   batch       302  404  405  405  405  405  405  405  405
batch_application_docx   GET    batch       302  404  200  200  200  200  200  200  200
batch_application_docx   POST   batch       302  404  405  405  405  405  405  405  405
audit_money              GET    town        302  404  403  403  200  200  403  200  200
audit_money              POST   town        302  404  403  403  405  405  403  405  405
audit_money_check        GET    town        302  404  403  403  405  405  403  405  405
audit_money_check        POST   town        302  404  403  403  302  302  403  302  302
audit_money_csv          GET    batch       302  404  403  403  200  200  403  200  200
audit_money_csv          POST   batch       302  404  403  403  405  405  403  405  405
audit_money_xlsx         GET    batch       302  404  403  403  200  200  403  200  200
audit_money_xlsx         POST   batch       302  404  403  403  405  405  403  405  405
payee_list               GET    town        302  200  200  200  200  200  200  200  200
payee_list               POST   town        302  405  405  405  405  405  405  405  405
payee_create             GET    town        302  403  403  200  403  403  403  200  200
payee_create             POST   town        302  403  403  400  403  403  403  400  400
payee_detail             GET    payee       302  200  200  200  200  200  200  200  200
payee_detail             POST   payee       302  405  405  405  405  405  405  405  405
payee_confirm            GET    payee       302  405  405  405  405  405  405  405  405
payee_confirm            POST   payee       302  403  403  409  403  403  403  409  409
payee_refuse             GET    payee       302  405  405  405  405  405  405  405  405
payee_refuse             POST   payee       302  403  403  400  403  403  403  400  400
payee_retire             GET    payee       302  405  405  405  405  405  405  405  405
payee_retire             POST   payee       302  403  403  400  403  403  403  400  400
payee_reveal             GET    payee       302  405  405  405  405  405  405  405  405
payee_reveal             POST   payee       302  403  403  200  403  403  403  200  200

user_list                GET    town        302  404  403  403  403  403  403  200  200
user_list                POST   town        302  404  405  405  405  405  405  405  405
division_list            GET    town        302  404  200  200  200  200  200  200  200
division_list            POST   town        302  404  405  405  405  405  405  405  405
division_merge           GET    town        302  404  405  405  405  405  405  405  405
division_merge           POST   town        302  404  403  403  403  403  403  400  400
division_rename          GET    division    302  404  405  405  405  405  405  405  405
division_rename          POST   division    302  404  403  403  403  403  403  400  400
user_create              GET    town        302  404  403  403  403  403  403  200  200
user_create              POST   town        302  404  403  403  403  403  403  200  200
user_reset               GET    user        302  404  405  405  405  405  405  405  405
user_reset               POST   user        302  404  403  403  403  403  403  200  200
user_disable             GET    user        302  404  405  405  405  405  405  405  405
user_disable             POST   user        302  404  403  403  403  403  403  302  302
audit_list               GET    town        302  404  403  403  200  200  403  200  200
audit_list               POST   town        302  404  405  405  405  405  405  405  405
job_list                 GET    town        302  404  200  200  200  200  200  200  200
job_list                 POST   town        302  404  405  405  405  405  405  405  405

schema                   GET    -           200  200  200  200  200  200  200  200  200
schema                   POST   -           405  405  405  405  405  405  405  405  405
api_docs                 GET    -           200  200  200  200  200  200  200  200  200
api_docs                 POST   -           405  405  405  405  405  405  405  405  405
api_nothing              GET    -           401  404  404  404  404  404  404  404  404
api_nothing              POST   -           401  404  404  404  404  404  404  404  404
api_form_blank           GET    place       401  200  200  403  403  403  403  200  200
api_form_blank           POST   place       401  405  405  405  405  405  405  405  405
api_form_workbook        GET    marked      401  200  200  200  200  200  200  200  200
api_form_workbook        POST   marked      401  405  405  405  405  405  405  405  405
api_divisions            GET    list        401  200  200  200  200  200  200  200  200
api_divisions            POST   list        401  405  405  405  405  405  405  405  405
api_divisions_detail     GET    division    401  200  200  200  200  200  200  200  200
api_divisions_detail     POST   division    401  405  405  405  405  405  405  405  405
api_plans                GET    list        401  200  200  200  200  200  200  200  200
api_plans                POST   list        401  405  405  405  405  405  405  405  405
api_plans_detail         GET    plan        401  200  200  200  200  200  200  200  200
api_plans_detail         POST   plan        401  405  405  405  405  405  405  405  405
api_targets              GET    list        401  200  200  200  200  200  200  200  200
api_targets              POST   list        401  405  405  405  405  405  405  405  405
api_targets_detail       GET    target      401  200  200  200  200  200  200  200  200
api_targets_detail       POST   target      401  405  405  405  405  405  405  405  405
api_village-targets      GET    list        401  200  200  200  200  200  200  200  200
api_village-targets      POST   list        401  405  405  405  405  405  405  405  405
api_village-targets_detail GET  share       401  200  200  200  200  200  200  200  200
api_village-targets_detail POST share       401  405  405  405  405  405  405  405  405
api_progress             GET    list        401  200  200  200  200  200  200  200  200
api_progress             POST   list        401  405  405  405  405  405  405  405  405
api_progress_detail      GET    progress    401  200  200  200  200  200  200  200  200
api_progress_detail      POST   progress    401  405  405  405  405  405  405  405  405
api_red-lines            GET    list        401  200  200  200  200  200  200  200  200
api_red-lines            POST   list        401  405  405  405  405  405  405  405  405
api_red-lines_detail     GET    red_line    401  404  200  200  200  200  200  200  200
api_red-lines_detail     POST   red_line    401  405  405  405  405  405  405  405  405
api_findings             GET    list        401  200  200  200  200  200  200  200  200
api_findings             POST   list        401  405  405  405  405  405  405  405  405
api_findings_detail      GET    finding     401  404  200  200  200  200  200  200  200
api_findings_detail      POST   finding     401  405  405  405  405  405  405  405  405
api_parcels              GET    list        401  200  200  200  200  200  200  200  200
api_parcels              POST   list        401  405  405  405  405  405  405  405  405
api_parcels_detail       GET    parcel      401  200  200  200  200  200  200  200  200
api_parcels_detail       POST   parcel      401  405  405  405  405  405  405  405  405
api_parcels_finding      GET    parcel      401  405  405  405  405  405  405  405  405
api_parcels_finding      POST   parcel      401  400  400  403  403  403  403  400  400
api_parcels_works        GET    parcel      401  405  405  405  405  405  405  405  405
api_parcels_works        POST   parcel      401  403  400  403  403  403  403  400  400
api_parcels_boundary     GET    parcel      401  405  405  405  405  405  405  405  405
api_parcels_boundary     POST   parcel      401  403  400  403  403  403  403  400  400
api_parcels_overlaps     GET    parcel      401  200  200  200  200  200  200  200  200
api_parcels_overlaps     POST   parcel      401  405  405  405  405  405  405  405  405
api_parcels_edit         GET    parcel      401  405  405  405  405  405  405  405  405
api_parcels_edit         POST   parcel      401  403  200  403  403  403  403  200  200
api_parcel_stage         GET    parcel      401  405  405  405  405  405  405  405  405
api_parcel_stage         POST   parcel      401  400  400  403  403  403  403  400  400
api_evidence             GET    list        401  200  200  200  200  200  200  200  200
api_evidence             POST   list        401  400  400  400  400  400  400  400  400
api_evidence_detail      GET    evidence    401  200  200  200  200  200  200  200  200
api_evidence_detail      POST   evidence    401  405  405  405  405  405  405  405  405
api_evidence_file        GET    evidence    401  200  200  403  403  403  200  200  200
api_evidence_file        POST   evidence    401  405  405  405  405  405  405  405  405
api_issues               GET    list        401  200  200  200  200  200  200  200  200
api_issues               POST   list        401  405  405  405  405  405  405  405  405
api_issues_detail        GET    issue       401  200  200  200  200  200  200  200  200
api_issues_detail        POST   issue       401  405  405  405  405  405  405  405  405
api_issues_decide        GET    issue       401  405  405  405  405  405  405  405  405
api_issues_decide        POST   issue       401  403  403  403  403  403  403  400  400
api_issue_photos         GET    issue       401  405  405  405  405  405  405  405  405
api_issue_photos         POST   issue       401  400  403  403  403  403  403  400  400
api_issues_done          GET    issue       401  405  405  405  405  405  405  405  405
api_issues_done          POST   issue       401  409  403  403  403  403  403  409  409
api_issues_accept        GET    issue       401  405  405  405  405  405  405  405  405
api_issues_accept        POST   issue       401  403  403  403  403  403  403  409  409
api_issues_return        GET    issue       401  405  405  405  405  405  405  405  405
api_issues_return        POST   issue       401  403  403  403  403  403  403  409  409
api_issues_close         GET    issue       401  405  405  405  405  405  405  405  405
api_issues_close         POST   issue       401  403  403  403  403  403  403  400  400
api_issues_reopen        GET    issue       401  405  405  405  405  405  405  405  405
api_issues_reopen        POST   issue       401  403  403  403  403  403  403  409  409
api_clues                GET    list        401  200  200  200  200  200  200  200  200
api_clues                POST   list        401  400  400  400  400  400  400  400  400
api_clues_detail         GET    clue        401  200  200  200  200  200  200  200  200
api_clues_detail         POST   clue        401  405  405  405  405  405  405  405  405
api_clue_photos          GET    clue        401  405  405  405  405  405  405  405  405
api_clue_photos          POST   clue        401  400  403  403  403  403  403  403  403
api_referrals            GET    list        401  200  200  200  200  200  200  200  200
api_referrals            POST   list        401  405  405  405  405  405  405  405  405
api_referrals_detail     GET    referral    401  404  200  200  200  200  200  200  200
api_referrals_detail     POST   referral    401  405  405  405  405  405  405  405  405
api_permits              GET    list        401  200  200  200  200  200  200  200  200
api_permits              POST   list        401  405  405  405  405  405  405  405  405
api_permits_detail       GET    permit      401  200  200  200  200  200  200  200  200
api_permits_detail       POST   permit      401  405  405  405  405  405  405  405  405
api_acceptances          GET    list        401  200  200  200  200  200  200  200  200
api_acceptances          POST   list        401  400  400  400  400  400  400  400  400
api_acceptances_detail   GET    acceptance  401  200  200  200  200  200  200  200  200
api_acceptances_detail   POST   acceptance  401  405  405  405  405  405  405  405  405
api_inspections          GET    list        401  200  200  200  200  200  200  200  200
api_inspections          POST   list        401  405  405  405  405  405  405  405  405
api_inspections_detail   GET    inspection  401  200  200  200  200  200  200  200  200
api_inspections_detail   POST   inspection  401  405  405  405  405  405  405  405  405
api_inspection-items        GET    list            401  200  200  200  200  200  200  200  200
api_inspection-items        POST   list            401  405  405  405  405  405  405  405  405
api_inspection-items_detail GET    inspection_item 401  200  200  200  200  200  200  200  200
api_inspection-items_detail POST   inspection_item 401  405  405  405  405  405  405  405  405
api_proposals            GET    list        401  200  200  200  200  200  200  200  200
api_proposals            POST   list        401  405  405  405  405  405  405  405  405
api_proposals_detail     GET    proposal    401  200  200  200  200  200  200  200  200
api_proposals_detail     POST   proposal    401  405  405  405  405  405  405  405  405
api_forms                GET    list        401  200  200  200  200  200  200  200  200
api_forms                POST   list        401  400  400  403  403  403  403  400  400
api_forms_detail         GET    submission  401  200  200  200  200  200  200  200  200
api_forms_detail         POST   submission  401  405  405  405  405  405  405  405  405
api_programs             GET    list        401  200  200  200  200  200  200  200  200
api_programs             POST   list        401  405  405  405  405  405  405  405  405
api_programs_detail      GET    program     401  200  200  200  200  200  200  200  200
api_programs_detail      POST   program     401  405  405  405  405  405  405  405  405
api_rates                GET    list        401  200  200  200  200  200  200  200  200
api_rates                POST   list        401  405  405  405  405  405  405  405  405
api_rates_detail         GET    rate        401  200  200  200  200  200  200  200  200
api_rates_detail         POST   rate        401  405  405  405  405  405  405  405  405
api_entitlements         GET    list        401  200  200  200  200  200  200  200  200
api_entitlements         POST   list        401  405  405  405  405  405  405  405  405
api_entitlements_detail  GET    entitlement 401  200  200  200  200  200  200  200  200
api_entitlements_detail  POST   entitlement 401  405  405  405  405  405  405  405  405
api_claims               GET    list        401  200  200  200  200  200  200  200  200
api_claims               POST   list        401  400  400  400  400  400  400  400  400
api_claims_detail        GET    claim       401  200  200  200  200  200  200  200  200
api_claims_detail        POST   claim       401  405  405  405  405  405  405  405  405
api_claims_verify        GET    claim       401  405  405  405  405  405  405  405  405
api_claims_verify        POST   claim       401  403  400  403  403  403  403  400  400
api_claims_withdraw      GET    claim       401  405  405  405  405  405  405  405  405
api_claims_withdraw      POST   claim       401  409  403  403  403  403  403  403  409
api_care-forecast        GET    list        401  200  200  200  200  200  200  200  200
api_care-forecast        POST   list        401  405  405  405  405  405  405  405  405
api_care-forecast_detail GET    forecast    401  200  200  200  200  200  200  200  200
api_care-forecast_detail POST   forecast    401  405  405  405  405  405  405  405  405
api_batches              GET    list        401  200  200  200  200  200  200  200  200
api_batches              POST   list        401  405  405  405  405  405  405  405  405
api_batches_detail       GET    batch       401  404  200  200  200  200  200  200  200
api_batches_detail       POST   batch       401  405  405  405  405  405  405  405  405
api_publicities          GET    list        401  200  200  200  200  200  200  200  200
api_publicities          POST   list        401  405  405  405  405  405  405  405  405
api_publicities_detail   GET    publicity   401  404  200  200  200  200  200  200  200
api_publicities_detail   POST   publicity   401  405  405  405  405  405  405  405  405
api_payments             GET    list        401  200  200  200  200  200  200  200  200
api_payments             POST   list        401  405  405  405  405  405  405  405  405
api_payments_detail      GET    payment     401  200  200  200  200  200  200  200  200
api_payments_detail      POST   payment     401  405  405  405  405  405  405  405  405
api_funds                GET    list        401  200  200  200  200  200  200  200  200
api_funds                POST   list        401  405  405  405  405  405  405  405  405
api_funds_detail         GET    fund        401  404  200  200  200  200  200  200  200
api_funds_detail         POST   fund        401  405  405  405  405  405  405  405  405
api_jobs                 GET    list        401  200  200  200  200  200  200  200  200
api_jobs                 POST   list        401  405  405  405  405  405  405  405  405
api_jobs_detail          GET    job         401  200  200  200  200  200  200  200  200
api_jobs_detail          POST   job         401  405  405  405  405  405  405  405  405
"""
OF_A_DIVISION = {
    "division", "place", "parcel", "work", "proposal", "acceptance", "issue", "permit", "meeting", "upload", "marked",
    "submission", "share", "progress", "job", "clue", "inspection", "evidence", "claim", "claim_file", "entitlement",
    "payee", "payment", "forecast",
}  # fmt: skip
NAMELESS = {"-", "list"}  # addresses that name no object


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    name: str
    method: str
    object: str
    own: dict[str, int]

    @property
    def is_page_of_a_town(self) -> bool:
        return self.object not in NAMELESS and not self.name.startswith("api_") and self.name != "job_detail"

    @property
    def tells_roles_apart(self) -> bool:
        return len({status for column, status in self.own.items() if column != "anon"}) > 1

    def others(self, column: str, whose: str) -> set[int]:
        """The answers allowed for a row of somebody else or of nobody: 404, or the refusal one's own row gets.

        ``whose``: sibling (another village), mixed (another town's row below the own town's address), missing (no such
        row) - all three below one's own town - or foreign and nowhere, below an address out of scope.
        """
        own = self.own[column]
        if (own in (401, 405) and not self.is_page_of_a_town) or column == "anon":
            return {own}
        if whose in ("foreign", "nowhere") and self.is_page_of_a_town:
            return {404}
        return {404, own} if own in (403, 405) else {404}


def lines() -> list[Line]:
    found = []
    for text in TABLE.strip().splitlines()[1:]:
        if words := text.split():
            name, method, thing, *cells = words
            found.append(Line(name, method, thing, dict(zip(ROLES, map(int, cells), strict=True))))
    return found
