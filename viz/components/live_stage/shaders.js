// What the graphics card does with a picture and its small matte. Rows run from the top in every texture.

const VERTEX = `#version 300 es
in vec2 corner;
uniform float down;  // -1 on the screen, whose rows run from the bottom
out vec2 uv;
void main() { uv = 0.5 + 0.5 * vec2(corner.x, down * corner.y); gl_Position = vec4(corner, 0.0, 1.0); }`;

const HEAD = `#version 300 es
precision highp float;
in vec2 uv;
out vec4 colour;
`;

// The picture at the matte's size, a mean over each of its pixels, with the matte as its alpha.
const REDUCE = `${HEAD}
uniform sampler2D picture, matte;
uniform vec2 size;  // of the matte
void main() {
  vec3 sum = vec3(0.0);
  for (int j = 0; j < 4; j++) for (int i = 0; i < 4; i++) {
    sum += texture(picture, uv + (vec2(i, j) - 1.5) / (4.0 * size)).rgb;
  }
  colour = vec4(sum / 16.0, texture(matte, uv).r);
}`;

// One direction of a Gaussian blur of the background alone: colours weighted by how little of the person is in them.
const BLUR = `${HEAD}
uniform sampler2D source;
uniform vec2 direction;  // one pixel along it
uniform float radius;
uniform bool first;
void main() {
  vec4 sum = vec4(0.0);
  float total = 0.0;
  for (int i = -12; i <= 12; i++) {
    float away = float(i) * radius / 6.0;  // up to twice the radius, at whatever distance that means
    float near = exp(-float(i * i) / 72.0);
    vec4 there = texture(source, uv + away * direction);
    if (first) { float free = clamp(1.0 - 1.5 * there.a, 0.0, 1.0); there = vec4(there.rgb * free, free); }
    sum += near * there;
    total += near;
  }
  colour = sum / total;
}`;

// The matte brought up to the picture's size, the person's own colours, and the new background behind them.
const COMPOSE = `${HEAD}
uniform sampler2D picture, low, blurred, backdrop;
uniform vec2 size;      // of the matte
uniform int behind;     // 0 nothing, 1 blur, 2 colour, 3 a picture
uniform vec3 paint;
uniform vec2 cover;     // share of the backdrop that is seen, so that it fills the frame undistorted
uniform bool mirror;

// Joint bilateral upsampling (Kopf et al. 2007, equation 4): a small pixel counts the more the closer it lies and the
// more alike its colour is to the large one's.
float raised(vec2 at, vec3 own) {
  vec2 far = 1.0 / size;
  float corners = texture(low, at - far).a + texture(low, at + far).a
    + texture(low, at + vec2(far.x, -far.y)).a + texture(low, at + vec2(-far.x, far.y)).a;
  if (corners == 0.0 || corners == 4.0) return corners / 4.0;  // clearly background or person, as most pixels are
  vec2 place = at * size - 0.5, base = floor(place);
  float sum = 0.0, total = 0.0;
  for (int j = -1; j <= 2; j++) for (int i = -1; i <= 2; i++) {
    vec4 there = texelFetch(low, clamp(ivec2(base) + ivec2(i, j), ivec2(0), ivec2(size) - 1), 0);
    vec2 away = base + vec2(i, j) - place;
    vec3 unlike = there.rgb - own;
    float weight = exp(-dot(away, away) / 1.3) * (exp(-dot(unlike, unlike) / 0.02) + 0.001);
    sum += weight * there.a;
    total += weight;
  }
  return clamp((sum / total - 0.02) / 0.96, 0.0, 1.0);
}

// The person's colour without the old background (blur-fusion, Forte and Pitie 2021, equations 4-7, one step).
vec3 unmixed(vec2 at, vec3 own, float alpha) {
  ivec2 base = ivec2(floor(at * size));
  vec4 fore = vec4(0.0001), back = vec4(0.0001);
  for (int j = -2; j <= 2; j++) for (int i = -2; i <= 2; i++) {
    vec4 there = texelFetch(low, clamp(base + 2 * ivec2(i, j), ivec2(0), ivec2(size) - 1), 0);
    fore += vec4(there.rgb, 1.0) * there.a;
    back += vec4(there.rgb, 1.0) * (1.0 - there.a);
  }
  vec3 f = fore.rgb / fore.a, b = back.rgb / back.a;
  return clamp(f + alpha * (own - alpha * f - (1.0 - alpha) * b), 0.0, 1.0);
}

void main() {
  vec2 at = mirror ? vec2(1.0 - uv.x, uv.y) : uv;
  vec3 own = texture(picture, at).rgb;
  float alpha = raised(at, own);
  vec3 person = alpha > 0.0 && alpha < 1.0 ? unmixed(at, own, alpha) : own;
  if (behind == 0) { colour = vec4(person * alpha, alpha); return; }
  vec3 other = paint;
  if (behind == 1) { vec4 soft = texture(blurred, at); other = soft.rgb / max(soft.a, 0.004); }
  if (behind == 3) other = texture(backdrop, 0.5 + (uv - 0.5) * cover).rgb;
  colour = vec4(mix(other, person, alpha), 1.0);
}`;
