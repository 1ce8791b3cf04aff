# SPDX-License-Identifier: Apache-2.0

# The page for people with much content: 10,000 repositories, 50,000 tags, and a
# manifest of nearly 4 MiB.

use OCI::Test;
use OCI::Browser;

$ENV{PATH} = "/usr/bin:$ENV{PATH}";
plan(skip_all => 'chromedriver is not installed')
    if system 'command -v chromedriver >/dev/null';

my $server = OCI::Server->start(config => 'OCISync Off', after =>
    "<Location \"/ui/\">\nSetHandler oci-page\nRequire all granted\n</Location>");
my $client = OCI::Client->new($server);
my $ui = $server->url . '/ui/';

# ---- content: an empty index is one request

sub empty {
    return json_text({ schemaVersion => 2, mediaType => IMAGE_INDEX,
        manifests => [], annotations => { number => "$_[0]" } });
}
my $text = empty(0);
for my $number (0 .. 9_999) {
    my $name = $number < 3_000 ? "flat$number"
        : $number < 6_000 ? 'team' . $number % 30 . "/app$number"
        : 'deep/' . join '/', split //, $number;
    $client->push_manifest($name, 'v1', $text);
}
my $many = 'flat0';
for my $part (1 .. 100) {
    my $manifest = empty($part);
    my $tags = join '&', map { sprintf 'tag=t%05d', 500 * ($part - 1) + $_ }
        1 .. ($part == 100 ? 499 : 500);
    $client->put("/v2/$many/manifests/" . digest_of($manifest) . "?$tags",
        $manifest, 'Content-Type' => IMAGE_INDEX)->status == 201
        or die "the tags were not pushed\n";
}

# ---- helpers

my $browser = OCI::Browser->start;

# The requests for paths that match since the last call.
my $lines = 0;
sub requests {
    my $pattern = shift;
    my @lines = split /\n/, OCI::Server::slurp($server->access_log);
    my @new = @lines[ $lines .. $#lines ];
    $lines = @lines;
    return scalar grep { /$pattern/ } @new;
}

sub count { $browser->run('return document.querySelectorAll(arguments[0])
    .length', $_[0]) }

# ---- the tree

requests(qr/./);
$browser->open($ui);
like($browser->text_like('#tree', qr/of 10000/),
    qr/10000 of 10000 repositories/, '10,000 repositories');
cmp_ok(requests(qr/_catalog/), '<=', 2, 'in few requests');
cmp_ok(count('#tree li'), '<=', 201, 'a part of them is shown');
$browser->click('#tree li > button:not(.toggle)');
$browser->wait_for('return document.querySelectorAll("#tree li").length > 300');
cmp_ok(count('#tree li'), '<=', 401, 'and a further part');
$browser->type('#filter', 'flat2999');
like($browser->text_like('#tree', qr/\n1 of/), qr/flat2999/, 'the filter');
$browser->run('const f = document.getElementById("filter"); f.value = "app";
    f.dispatchEvent(new Event("input"))');
$browser->text_like('#tree', qr/3000 of 10000/);
is(count('#tree li'), 201, 'a part of what it finds is shown');
is(join("\n", $browser->violations), '', 'accessible')
    if $browser->can_check;
is(requests(qr/_catalog/), 0, 'the filter asks the registry for nothing');
$browser->open("$ui?repository=deep/9/9/9/9");
$browser->text_like('main', qr/1 of 1/);
is($browser->wait_for('return document.querySelector("#tree [aria-current]")
    ?.innerText'), '9', 'the tree is open at the repository that is shown');

# ---- the tags

requests(qr/./);
$browser->open("$ui?repository=$many");
like($browser->text_like('main', qr/tags shown/), qr/50 of 50000 tags/,
    '50,000 tags');
is(count('tbody tr'), 50, 'the first page');
is(requests(qr/_mod_oci/), 1, 'in one request');
$browser->click('main p button');
$browser->text_like('main', qr/100 of 50000/);
is(count('tbody tr'), 100, 'the second page');
is(requests(qr/_mod_oci/), 1, 'in one request');
ok($browser->run('return document.activeElement ===
    document.querySelector("tbody tr:nth-child(51) a")'),
    'the focus is on the first new row');
$browser->type('#tag-filter', 't49999');
like($browser->text_like('main', qr/1 of 1 tag/), qr/t49999/,
    'the filter of tags');
$browser->click('tbody a');
$browser->text_like('main', qr/Manifest as JSON/);

# ---- manifests as JSON, of several sizes: everything is shown

# One has characters that are two units in JavaScript.
for my $case (
    [ v6k   => 6_000, 'x' x 6_000 ],
    [ smile => 20_001, 'x' . "\x{1f600}" x 10_000 ],
    [ v900k => 900_000, 'x' x 900_000 ],
    [ v4m   => 4_000_000, 'x' x 4_000_000 ],
) {
    my ($tag, $size, $long) = @$case;
    $client->push_manifest('flat1', $tag, { schemaVersion => 2,
        mediaType => IMAGE_INDEX, manifests => [],
        annotations => { long => $long } });
    $browser->open("$ui?repository=flat1&tag=$tag");
    $browser->text_like('main', qr/Manifest as JSON/);
    is(count('#raw-section pre'), 0, "$tag: not before it is asked for");
    $browser->click('#raw-section summary');
    $browser->wait_for('return document.querySelector("#raw-section pre")');
    is($browser->run('const text = document.querySelector("#raw-section pre")
        .textContent; return JSON.parse(text).annotations.long.length'), $size,
        "$tag: all of it");
    # Chromium does not paint a line of millions of characters.
    ok($browser->run('const pre = document.querySelector("#raw-section pre");
        return pre.scrollWidth <= pre.clientWidth && pre.scrollHeight > 200'),
        "$tag: it wraps");
    is($browser->run('return [...document.querySelectorAll(
        "#raw-section pre")[0].childNodes].filter((node) =>
        /^[\udc00-\udfff]/.test(node.data)).length'), 0,
        "$tag: no character is torn");
    $browser->shot("json-$tag");
    $browser->click('h1 a');
    like($browser->text_like('main', qr/Choose/), qr/Choose/,
        "$tag: the page goes on");
}
is(join("\n", $browser->console), '', 'nothing in the console');

$browser->stop;
$server->stop;
done_testing;
