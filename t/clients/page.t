# SPDX-License-Identifier: Apache-2.0

# The page for people in a real browser: browse, filter, deep links, copy,
# delete, hostile names and annotations, no JavaScript, and axe-core.  The
# screenshots stay in .build/page.

use OCI::Test;
use OCI::Browser;
use utf8;

$ENV{PATH} = "/usr/bin:$ENV{PATH}";
plan(skip_all => 'chromedriver is not installed')
    if system 'command -v chromedriver >/dev/null';

my $server = OCI::Server->start(after => "<Location \"/ui/\">\n"
    . "SetHandler oci-page\nRequire all granted\n</Location>");
$server->allows(qr/AH01630/);
my $client = OCI::Client->new($server);
my $ui = $server->url . '/ui/';

# ---- content

my $config = json_text({ architecture => 'amd64', os => 'linux',
    config => { Entrypoint => ['/bin/tool'], Cmd => ['--serve'],
        Env => ['PATH=/bin', 'EMPTY='],
        Labels => { '<img src=x onerror=bad()>' => '<script>bad()</script>' } },
    history => [ {}, { created_by => 'COPY <script>bad()</script>' } ] });
my $HOSTILE = 'evil/annotations';
my $ODD = { toString => 1, valueOf => 1 };    # JavaScript makes no text of it
my $odd = json_text({ architecture => $ODD, history => [ $ODD, undef, 1 ],
    config => { Entrypoint => [$ODD], Cmd => $ODD, Env => [ $ODD, undef, 'A=b' ],
        User => 1, WorkingDir => [ [] ], Labels => [$ODD] } });
my $image = $client->push_image('team/app', 'v1', config => $config,
    layers => [ random_bytes(3000, 1), random_bytes(1000, 2) ]);
my $child = descriptor($image->{text}, IMAGE_MANIFEST,
    platform => { os => 'linux', architecture => 'amd64' });
my $index = $client->push_manifest('team/app', 'multi',
    { schemaVersion => 2, mediaType => IMAGE_INDEX, manifests => [$child] });
$client->push_manifest('team/app', 'latest', $image->{text});
my $sbom = '{"spdxVersion": "<b>SPDX-2.3</b>"}';
$client->push_blob('team/app', $_) for '{}', $sbom;
$client->push_manifest('team/app', undef, image_manifest('{}', [$sbom],
    artifactType => 'application/spdx+json',
    subject => descriptor($image->{text}, IMAGE_MANIFEST)));
$client->push_image($HOSTILE, 'x', config => $odd, annotations => {
    'run'   => 'javascript:bad()',
    'data'  => 'data:text/html,<script>bad()</script>',
    'home'  => 'https://example.com/a?b=<script>',
    'quote' => '"><script>bad()</script>',
    'turn'  => "abc\x{202e}fed\x{200b}",
    'long'  => 'x' x 1_000_000,
    '__proto__' => 'bad' });
$client->push_image("many/r$_", 'v1') for 1 .. 12;

# ---- helpers

my $browser = OCI::Browser->start;
diag('axe-core is not available: accessibility is not checked')
    if !$browser->can_check;

# One test: the checker finds nothing in what is shown.
sub accessible {
    my $name = shift;
    is(join("\n", $browser->violations), '', "$name: accessible")
        if $browser->can_check;
    return;
}

sub quiet {
    my $name = shift;
    is(join("\n", $browser->console), '', "$name: nothing in the console");
    return;
}

sub theme {
    $browser->devtools('Emulation.setEmulatedMedia', { features => [
        { name => 'prefers-color-scheme', value => $_[0] } ] });
    return;
}

sub width {
    $browser->devtools('Emulation.setDeviceMetricsOverride', { width => $_[0],
        height => 900, deviceScaleFactor => 1, mobile => JSON::PP::false() });
    return;
}

# Look at what is shown in each light and width.
sub look {
    my $name = shift;
    for my $theme (qw(light dark)) {
        theme($theme);
        for my $width (1280, 390) {
            width($width);
            $browser->shot("$name-$width-$theme");
            accessible("$name, $width, $theme");
        }
    }
    theme('light');
    width(320);
    cmp_ok($browser->run('return Math.max(...[...document.querySelectorAll(
        "html, #tree, main")].map((e) => e.scrollWidth))'), '<=', 320,
        "$name: nothing is wider than 320 pixels");
    is($browser->run('return [...document.querySelectorAll("body *")].filter(
        (e) => e.scrollHeight > e.clientHeight && !e.matches("pre")
        && /auto|scroll/.test(getComputedStyle(e).overflowY)).length'), 0,
        "$name: only the page itself scrolls on a narrow screen");
    width(1280);
    quiet($name);
    return;
}

# ---- the tree, its filter, and the tags

$browser->open($ui);
like($browser->text_like('#tree', qr/14 of 14/), qr/14 of 14 repositories/,
    'the repositories are counted');
is($browser->run('return document.title'), $server->host . ' – Registry',
    'the title names the registry');
my $names = $server->host . '/NAME:TAG';
like($browser->text_like('main', qr/docker push/),
    qr{docker tag IMAGE \Q$names\E\ndocker push \Q$names\E},
    'the first page says how to push');
look('tree');
$browser->click('[aria-label="Show many"]');
like($browser->text_like('#tree', qr/r12/), qr/r1\b/, 'a directory opens');
$browser->type('#filter', 'eam/');
like($browser->text_like('#tree', qr/1 of 14/), qr{team/app},
    'the filter finds a name');
$browser->click('#tree a');
my $tags = $browser->text_like('main', qr/3 of 3 tags/);
like($tags, qr/multi.*Multi-platform image.*linux\/amd64/s,
    'an index among the tags');
like($tags, qr{v1.*Image.*linux/amd64}s, 'an image among the tags');
like($tags, qr/ago.*20\d\d, \d\d:\d\d/s, 'the exact time');
is(scalar(() = $browser->run('return document.body.innerText')
    =~ /3 of 3 tags/g), 1, 'the count is shown once');
is($browser->url, "${ui}?repository=team%2Fapp", 'the address names it');
look('tags');
$browser->type('#tag-filter', 'lat');
like($browser->text_like('main', qr/1 of 1 tag/), qr/latest/,
    'the filter of tags');

# ---- deep links

$browser->open("${ui}?repository=team/app&tag=v1#layers");
my $shown = $browser->text_like('main', qr/Manifest as JSON/);
like($shown, qr/$_->[0]/s, $_->[1]) for
    [ qr/2\.9 KiB.*75 %.*1000 bytes.*25 %/s, 'layers with sizes and shares' ],
    [ qr{Entrypoint\s+/bin/tool}, 'the entrypoint' ],
    [ qr{Command\s+--serve}, 'the command' ],
    [ qr{PATH\s+/bin\s}, 'the environment' ],
    [ qr{<script>bad\(\)</script>}, 'a label as text' ],
    [ qr{History\s+COPY }, 'no empty step of the history' ],
    [ qr/SBOM/, 'a referrer by its kind' ],
    [ qr/docker pull \S+team\/app:v1\b.*podman pull --tls-verify=false \S+\@sha256:[0-9a-f]{64}/s,
        'commands by tag and by digest' ],
    [ qr{Platform\s+linux/amd64}, 'the platform' ],
    [ qr/latest/, 'the other tags' ];
is(scalar(() = $shown =~ /Manifest as JSON/g), 1, 'the JSON has one heading');
is($browser->run('return document.title'),
    'team/app:v1 – ' . $server->host . ' – Registry', 'the title');
look('image');
$browser->click('.referrers li > button');
like($browser->text_like('.referrers pre', qr/./), qr{<b>SPDX-2\.3</b>},
    'the content of an SBOM as text');
$browser->open("${ui}?repository=team/app&tag=multi");
like($browser->text_like('main', qr/Manifest as JSON/),
    qr/Contents by platform.*linux\/amd64/s, 'an index shows its platforms');
look('index');
$browser->click('#children-section a');
like($browser->text_like('main', qr/Layers/), qr/Layers/, 'one of them');
like($browser->url, qr/digest=sha256/, 'has an address of its own');
$browser->run('history.back()');
like($browser->text_like('main', qr/Contents by/), qr/Contents by/,
    'the way back');

# ---- copying, with the clipboard allowed and then not

$browser->devtools('Browser.grantPermissions', { origin => $server->url,
    permissions => [qw(clipboardReadWrite clipboardSanitizedWrite)] });
$browser->click('.commands button');
like($browser->text_like('#status', qr/opied|allow/), qr/Copied/,
    'a command is copied');

# ---- commands, by what the artifact is

my $HELM = 'application/vnd.cncf.helm.config.v1+json';
my $chart = '{"name": "app", "version": "1.2.0+build"}';
$client->push_blob('charts/app', $_) for $chart, 'chart';
my $chart_digest = $client->push_manifest('charts/app', '1.2.0_build', {
    schemaVersion => 2, mediaType => IMAGE_MANIFEST, config => descriptor($chart,
        $HELM), layers => [ descriptor('chart',
        'application/vnd.cncf.helm.chart.content.v1.tar+gzip') ] });
my $other_digest = $client->push_image('files/notes', 'v1',
    artifactType => 'text/x-notes')->{digest};
my $host = $server->host;
for my $case (
    [ 'charts/app', '1.2.0_build', 'Helm chart',
      "helm pull --plain-http oci://$host/charts/app --version 1.2.0+build",
      "oras pull --plain-http $host/charts/app:1.2.0_build",
      "helm pull --plain-http oci://$host/charts/app\@$chart_digest",
      "oras pull --plain-http $host/charts/app\@$chart_digest" ],
    [ 'files/notes', 'v1', 'text/x-notes',
      "oras pull --plain-http $host/files/notes:v1",
      "oras pull --plain-http $host/files/notes\@$other_digest" ],
) {
    my ($repository, $tag, $kind, @commands) = @$case;
    $browser->open("${ui}?repository=$repository&tag=$tag");
    like($browser->text_like('main', qr/Manifest as JSON/), qr/\Q$kind\E/,
        "$repository: $kind");
    is_deeply($browser->run('return [...document.querySelectorAll(
        ".commands code")].map((e) => e.textContent)'), \@commands,
        'its commands');
    look('helm') if $kind =~ /Helm/;
}

# ---- hostile content

$browser->open("${ui}?repository=$HOSTILE&tag=x");
$browser->text_like('main', qr/Manifest as JSON/);
is_deeply($browser->run('return [...document.querySelectorAll("main dd a")]
    .map((a) => a.protocol + a.rel)
    .filter((x) => !x.endsWith("http:"))'),
    ['https:noreferrer noopener'], 'only a URL of https is a link');
is($browser->run('return document.querySelectorAll(
    "main script, main img, main b").length'), 0, 'no element was made of text');
like($browser->run('return document.querySelector("main").innerText'),
    qr/abc\\u202efed\\u200b/, 'characters that turn text are shown as codes');
like($browser->run('return document.querySelector("#config-section")
    .innerText'), qr/Entrypoint\s+\{"toString":1.*\bA\s+b\b/s,
    'a config with values of other types');
cmp_ok($browser->run('return document.querySelector("main").innerText.length'),
    '<', 50_000, 'a long annotation is cut');
$browser->run('window.fetch = async () => new Response("null")');
$browser->click('.back a');
like($browser->text_like('main', qr/not JSON/), qr/a response that is not JSON/,
    'an answer of null in words');
quiet('hostile');
for my $query ('repository=%3Cscript%3Ebad()%3C/script%3E', 'repository=a&tag='
    . '%22%3E%3Cimg%20src=x%20onerror=bad()%3E', 'repository=../../x&tag=v1') {
    $browser->open("$ui?$query");
    like($browser->text_like('main', qr/./), qr/Try again|Loading/,
        "$query: an error in words");
    is($browser->run('return document.querySelectorAll("main script, main img")
        .length'), 0, "$query: nothing runs");
}
$browser->console;    # Chromium writes each 404 to the console.

# ---- deletion

$browser->open("${ui}?repository=team/app&tag=v1");
$browser->click('#deletion ~ p button:last-child');
like($browser->text_like('dialog', qr/Cancel/), qr/latest\s+v1\s/,
    'the question names every tag');
$browser->shot('delete');
accessible('the question');
$browser->click('dialog button');
status_is($client->get('/v2/team/app/manifests/v1'), 200, 'Cancel keeps it');
$browser->click('#deletion ~ p button');
like($browser->text_like('dialog', qr/Cancel/), qr/Delete the tag v1/,
    'a question about a tag');
$browser->click('dialog .danger');
like($browser->text_like('#status', qr/Deleted/), qr{^Deleted: team/app:v1$},
    'deleted');
like($browser->text_like('main', qr/2 of 2/), qr/latest/, 'the list is new');
status_is($client->get('/v2/team/app/manifests/v1'), 404, 'the tag is gone');
status_is($client->get('/v2/team/app/manifests/latest'), 200, 'not the other');
quiet('deletion');

# ---- deletions that the registry refuses after the question

for my $case (
    [ 'OCIReadOnly On', '', qr/does not allow this here/, 'read-only' ],
    [ '', "<LocationMatch \"^/v2/.*/manifests/\">\n<LimitExcept GET HEAD>\n"
        . "Require all denied\n</LimitExcept>\n</LocationMatch>",
      qr/You may not do this/, 'not allowed' ],
) {
    my ($config, $after, $words, $name) = @$case;
    my $before = $server->{after};
    $browser->open("${ui}?repository=team/app&tag=latest");
    $browser->text_like('main', qr/Manifest as JSON/);
    $server->set(config => $config, after => "$before\n$after");
    $server->graceful;
    $browser->click('#deletion ~ p button');
    $browser->click('dialog .danger');
    my $text = $browser->text_like('main', qr/Nothing was deleted/);
    like($text, qr/Nothing was deleted\..*$words/, "$name: in words");
    $text = $browser->text_like('main', qr/Manifest as JSON/);
    unlike($text, qr/Delete tag/, "$name: the page shows the state as it is");
    $browser->console;    # Chromium writes the refusal to the console.
    look('refused') if $config;
    status_is($client->get('/v2/team/app/manifests/latest'), 200,
        "$name: the tag is still there");
    $server->set(config => '', after => $before);
    $server->graceful;
}
$browser->open("${ui}?repository=team/app&tag=latest");
$browser->text_like('main', qr/Manifest as JSON/);
$client->delete('/v2/team/app/manifests/latest');
$browser->click('#deletion ~ p button');
$browser->click('dialog .danger');
like($browser->text_like('main', qr/Nothing was deleted/),
    qr/Nothing was deleted.*does not exist/, 'a tag that has gone meanwhile');
$browser->console;

# A page of another site would need a preflight, which is not granted.
my $res = $client->request(OPTIONS => '/v2/team/app/manifests/multi',
    { Origin => 'http://evil.example', 'Access-Control-Request-Method'
        => 'DELETE' });
header_is($res, 'Access-Control-Allow-Origin', undef,
    'no other site may delete');

# ---- without JavaScript

$browser->devtools('Emulation.setScriptExecutionDisabled',
    { value => JSON::PP::true() });
$browser->open("${ui}?repository=team/app&tag=multi");
$browser->shot('no-javascript');
my $source = $browser->call(GET => '/source');
like($source, qr{docker pull \S+/team/app:multi}, 'the command to pull');

$browser->stop;
$server->stop;
done_testing;
